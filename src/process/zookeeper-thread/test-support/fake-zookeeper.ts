import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { FakeLink, type FakeRequest } from '../../../coordination/zookeeper/client/test-support/fake-network.ts';
import { OP, XID } from '../../../coordination/zookeeper/client/wire-codes.ts';

export const SESSION_ID = 0x1234_5678_9abc_def0n;

/** A server on a real port: welcomes clients and answers pings by itself, all else as a test says. */
export class FakeZooKeeper implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #requests: FakeRequest[] = [];
  #arrived: () => void = () => {};
  #link: FakeLink | undefined;
  /** The sessions that clients said they had; 0n: none. */
  readonly hellos: bigint[] = [];
  /** Of the sessions to come; 0: they are over. */
  timeoutMs = 10_000;

  private constructor() {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(): Promise<FakeZooKeeper> {
    const fake = new FakeZooKeeper();
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get connectString(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** The newest connection. */
  get link(): FakeLink {
    return this.#link!;
  }

  /** The next request of all, in their order; waits for it. */
  async request(): Promise<FakeRequest> {
    for (;;) {
      const request = this.#requests.shift();
      if (request !== undefined) {
        return request;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#arrived = resolve;
      await promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sockets.forEach((socket) => socket.destroy());
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const link = new FakeLink(
      { address: '127.0.0.1', port: 0, host: 'fake' },
      { opened: () => {}, received: (bytes) => socket.write(bytes), closed: () => socket.destroy() },
    );
    this.#link = link;
    let isWelcome = false;
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      link.send(chunk);
      if (!isWelcome) {
        isWelcome = true;
        this.hellos.push(link.welcome({ timeoutMs: this.timeoutMs, sessionId: SESSION_ID }).sessionId);
      }
      for (const request of link.take(true)) {
        if (request.op === OP.ping) {
          link.answer(XID.ping, 0n);
        } else {
          this.#requests.push(request);
          this.#arrived();
        }
      }
    });
  }
}
