import { source } from 'millrace/connectors/custom';
import { call } from './call.ts';

export interface Order {
  readonly id: number;
  readonly customer: string;
  readonly amount: number;
}

interface Page {
  readonly orders: readonly Order[];
  readonly isLast: boolean;
}

/** All orders, page by page. The position is the id of the last order: a restore asks for what comes after it. */
export const orders = (api: string) =>
  source({
    name: 'orders',
    bounded: true,
    read: async function* (position: number = 0, { signal }) {
      for (let after = position, isLast = false; !isLast;) {
        const response = await call('GET', `${api}/orders?after=${after}&limit=100`, undefined, signal);
        const page = (await response.json()) as Page;
        for (const order of page.orders) {
          yield [order, order.id];
          after = order.id;
        }
        isLast = page.isLast;
      }
    },
  });
