import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut, refused and held up, while the server goes on for others. */
export class CuttableProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #accepted = 0;
  #isRefusing = false;
  #isHeld = false;

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** `target`: the port on loopback, asked for with each connection. */
  static async start(target: () => number): Promise<CuttableProxy> {
    const proxy = new CuttableProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get connectString(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections so far, those that were closed at once too. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Ends all connections; new ones are closed as soon as they are accepted, until `mend`. */
  cut(): void {
    this.#isRefusing = true;
    for (const pair of this.#pairs) {
      pair.forEach((socket) => socket.destroy());
    }
  }

  mend(): void {
    this.#isRefusing = false;
  }

  /** Nothing gets through, in both directions and on new connections; nothing is closed. */
  hold(): void {
    this.#isHeld = true;
    for (const pair of this.#pairs) {
      pair.forEach((socket) => socket.pause());
    }
  }

  release(): void {
    this.#isHeld = false;
    for (const pair of this.#pairs) {
      pair.forEach((socket) => socket.resume());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#accepted++;
    if (this.#isRefusing) {
      socket.destroy();
      return;
    }
    const other = connect(this.#target(), '127.0.0.1');
    const pair = [socket, other] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const) {
      from.on('data', (chunk: Buffer) => to.write(chunk));
      from.on('error', () => {});
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
      if (this.#isHeld) {
        from.pause();
      }
    }
  }
}
