import type { Answer, Write } from './messages.ts';
import type { Host, ServerConnection } from './server-connection.ts';
import { Tree, type Committed } from './tree.ts';

/** One server of an ensemble: it has what was agreed on, up to some transaction. */
export class Server implements Host {
  readonly name: string;
  readonly connections = new Set<ServerConnection>();
  readonly #ensemble: Pick<Host, 'touch' | 'write'>;
  /** No message gets to the other servers, or from them. */
  isIsolated = false;
  #tree = new Tree();
  #zxid = 0n;

  constructor(name: string, ensemble: Pick<Host, 'touch' | 'write'>) {
    this.name = name;
    this.#ensemble = ensemble;
  }

  get tree(): Tree {
    return this.#tree;
  }

  get zxid(): bigint {
    return this.#zxid;
  }

  touch(connection: ServerConnection): void {
    if (!this.isIsolated) {
      this.#ensemble.touch(connection);
    }
  }

  write(connection: ServerConnection, write: Write): { readonly answer: Answer; readonly zxid: bigint } {
    return this.#ensemble.write(connection, write);
  }

  learn(committed: readonly Committed[]): void {
    for (const one of committed.filter(({ zxid }) => zxid > this.#zxid)) {
      one.deltas.forEach((delta) => this.#tree.apply(delta, one.zxid, one.atMs));
      this.#zxid = one.zxid;
      this.connections.forEach((connection) => connection.learned(one));
      // What was waiting for this transaction is answered before a later one is seen.
      this.connections.forEach((connection) => connection.pump());
    }
  }

  /** Its disk holds something else now. */
  replace(tree: Tree, zxid: bigint): void {
    this.#tree = tree.copy();
    this.#zxid = zxid;
  }
}
