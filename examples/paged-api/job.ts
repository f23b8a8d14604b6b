import { job } from 'millrace';
import { invoices } from './sink.ts';
import { orders } from './source.ts';

/** Reads orders from an HTTP API and writes an invoice for each back to it. Argument: where the API is. */
export default job('paged-api', (env, [api = 'http://127.0.0.1:8080']) => {
  env.enableCheckpointing({ interval: '1s' });
  env
    .from(orders(api))
    .map((order) => ({ order: order.id, customer: order.customer, total: order.amount }))
    .keyBy('customer')
    .reduce((before, invoice) => ({ ...invoice, total: before.total + invoice.total }))
    .to(invoices(api));
});
