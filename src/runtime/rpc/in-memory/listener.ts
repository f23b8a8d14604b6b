import type { Acceptor } from '../acceptor.ts';
import type { RpcAddress } from '../rpc-address.ts';
import type { RpcConnection } from '../rpc-connection.ts';
import type { RpcListener } from '../rpc-transport.ts';
import type { InMemoryLink } from './link.ts';

export class InMemoryListener implements RpcListener {
  readonly address: RpcAddress;
  readonly #acceptor: Acceptor;
  readonly #remove: () => void;

  constructor(address: RpcAddress, acceptor: Acceptor, remove: () => void) {
    this.address = address;
    this.#acceptor = acceptor;
    this.#remove = remove;
  }

  get connections(): ReadonlySet<RpcConnection> {
    return this.#acceptor.connections;
  }

  /** Somebody has connected. */
  visited(link: InMemoryLink): void {
    this.#acceptor.begin(
      link,
      this.#acceptor.visit(link.remoteAddress, () => link.destroy()),
    );
  }

  async close(farewell?: string): Promise<void> {
    this.#remove();
    this.#acceptor.close(farewell);
    await Promise.all([...this.connections].map(({ closed }) => closed));
  }
}
