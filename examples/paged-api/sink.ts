import { sink } from 'millrace/connectors/custom';
import { call } from './call.ts';

export interface Invoice {
  readonly order: number;
  readonly customer: string;
  /** What the customer has ordered so far. */
  readonly total: number;
}

/** Invoices in batches: staged with each checkpoint, published once it is complete. */
export const invoices = (api: string) =>
  sink({
    name: 'invoices',
    create: () => {
      let batch: Invoice[] = [];
      return {
        write: (invoice: Invoice) => batch.push(invoice),
        prepare: async (name: string) => {
          const rows = batch;
          batch = [];
          if (rows.length === 0) {
            return undefined;
          }
          await call('PUT', `${api}/batches/${name}`, rows);
          return { rows: rows.length };
        },
        commit: async ({ name }) => {
          await call('POST', `${api}/batches/${name}/publish`);
        },
        abort: async (scope) => {
          const staged = (await (await call('GET', `${api}/batches`)).json()) as string[];
          for (const name of staged.filter((each) => scope.covers(each))) {
            await call('DELETE', `${api}/batches/${name}`);
          }
        },
      };
    },
  });
