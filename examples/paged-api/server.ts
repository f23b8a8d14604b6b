import { createServer, type IncomingMessage, type Server } from 'node:http';
import { pathToFileURL } from 'node:url';

/**
 * A stand-in for somebody's HTTP API, in memory: orders to read page by page, and batches of invoices that are staged
 * first and published later. It stays up while the job is killed and started again.
 *
 *     GET    /orders?after=<id>&limit=<n>    { orders, isLast }
 *     PUT    /batches/<name>                 stages rows; again for the same name replaces them
 *     POST   /batches/<name>/publish         makes a staged batch visible; again does nothing
 *     DELETE /batches/<name>                 drops a staged batch
 *     GET    /batches                        names of staged batches
 *     GET    /published                      all visible rows, in the order of publishing
 */
export const createApi = (orders: number): Server => {
  const staged = new Map<string, readonly unknown[]>();
  const published = new Map<string, readonly unknown[]>();

  const page = (url: URL): unknown => {
    const after = Number(url.searchParams.get('after') ?? '0');
    const last = Math.min(orders, after + Number(url.searchParams.get('limit') ?? '100'));
    const ids = Array.from({ length: Math.max(0, last - after) }, (_, index) => after + index + 1);
    return {
      orders: ids.map((id) => ({ id, customer: `customer ${id % 7}`, amount: (id * 37) % 100 })),
      isLast: last === orders,
    };
  };

  const batch = async (request: IncomingMessage, name: string, action: string | undefined): Promise<number> => {
    if (request.method === 'PUT') {
      staged.set(name, JSON.parse(await textOf(request)) as unknown[]);
      return 201;
    }
    if (request.method === 'DELETE') {
      return staged.delete(name) ? 204 : 404;
    }
    const rows = staged.get(name);
    if (request.method === 'POST' && action === 'publish' && rows !== undefined) {
      published.set(name, rows);
      staged.delete(name);
    }
    return published.has(name) ? 200 : 404;
  };

  return createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [, kind, name, action] = url.pathname.split('/');
    const send = (status: number, body?: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body));
    };
    if (kind === 'batches' && name !== undefined) {
      batch(request, decodeURIComponent(name), action).then(send, (error: unknown) => send(400, String(error)));
    } else if (kind === 'batches') {
      send(200, [...staged.keys()]);
    } else if (kind === 'published') {
      send(200, [...published.values()].flat());
    } else {
      send(kind === 'orders' ? 200 : 404, page(url));
    }
  });
};

const textOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
  }
  return text;
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [port = '8080', orders = '20000'] = process.argv.slice(2);
  createApi(Number(orders)).listen(Number(port), '127.0.0.1', () => {
    console.log(`${orders} orders at http://127.0.0.1:${port}`);
  });
}
