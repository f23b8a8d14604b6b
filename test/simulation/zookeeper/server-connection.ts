import type { Clock } from '../../../src/foundation/common/clock.ts';
import type { ReadOperation, ReadResult } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { Link } from './link.ts';
import type { Answer, Read, Request, ToClient, Write } from './messages.ts';
import { statOf, type Committed, type Tree } from './tree.ts';
import { eventsOf, hears, isOneTime, missedBy, type ServerWatch } from './watches.ts';

/** The server that a connection ends at, and the ensemble behind it. */
export interface Host {
  readonly tree: Tree;
  /** Of the newest transaction in its tree. */
  readonly zxid: bigint;
  /** A sign of life of the session. */
  touch(connection: ServerConnection): void;
  /** Carried out by the ensemble's leader; it is to be answered when this server has the transaction `zxid`. */
  write(connection: ServerConnection, write: Write): { readonly answer: Answer; readonly zxid: bigint };
  /** No message gets from this server to the leader. */
  readonly isIsolated: boolean;
}

interface Entry {
  readonly request: Request;
  outcome: { readonly answer: Answer; readonly zxid: bigint } | undefined;
}

export interface ServerConnectionOptions {
  readonly session: bigint;
  readonly host: Host;
  readonly clock: Clock;
  readonly delayMs: () => number;
  readonly toClient: (message: ToClient) => void;
  /** Called once, whoever ended it. */
  readonly ended: () => void;
}

/** A client's connection as its server has it: requests are carried out and answered in the order in which they came. */
export class ServerConnection {
  readonly session: bigint;
  readonly #host: Host;
  readonly #toClient: (message: ToClient) => void;
  readonly #ended: () => void;
  readonly #toLeader: Link<Entry>;
  readonly #watches = new Map<number, ServerWatch>();
  #entries: Entry[] = [];
  #isClosed = false;

  constructor({ session, host, clock, delayMs, toClient, ended }: ServerConnectionOptions) {
    this.#ended = ended;
    this.session = session;
    this.#host = host;
    this.#toClient = toClient;
    this.#toLeader = new Link(clock, delayMs, (entry) => {
      entry.outcome = this.#host.write(this, entry.request.body.to === 'leader' ? entry.request.body.write : SYNC);
      this.pump();
    });
  }

  /** Also on a connection that has ended: what the server had received goes its way. */
  receive(request: Request): void {
    const entry: Entry = { request, outcome: undefined };
    this.#host.touch(this);
    this.#entries.push(entry);
    if (request.body.to === 'leader' && !this.#host.isIsolated) {
      this.#toLeader.send(entry);
    }
    this.pump();
  }

  /** Sets what a client had on its connection before; it hears what it missed. */
  setAgain(watches: readonly ServerWatch[], missed: readonly Committed[]): void {
    for (const watch of watches) {
      const events = missedBy(watch, missed, this.#host.tree);
      events.forEach((event) => this.#tell(watch, event));
      if (events.length === 0 || !isOneTime(watch)) {
        this.#watches.set(watch.id, watch);
      }
    }
  }

  /** The server has carried it out. */
  learned(committed: Committed): void {
    for (const event of eventsOf(committed)) {
      for (const watch of [...this.#watches.values()].filter((one) => hears(one, event))) {
        if (isOneTime(watch)) {
          this.#watches.delete(watch.id);
        }
        this.#tell(watch, event);
      }
    }
  }

  /** Answers whatever can be answered now. */
  pump(): void {
    for (let entry = this.#entries[0]; entry !== undefined; entry = this.#entries[0]) {
      const answer = this.#answer(entry);
      if (answer === undefined) {
        return;
      }
      this.#entries.shift();
      this.#send({ kind: 'answer', xid: entry.request.xid, answer, zxid: this.#host.zxid });
    }
  }

  /** Of what the leader has not received yet the first `kept` requests get there. */
  end(kept: number): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#toLeader.cut(kept);
      this.#ended();
    }
  }

  get onTheWay(): number {
    return this.#toLeader.onTheWay;
  }

  #answer({ request, outcome }: Entry): Answer | undefined {
    if (request.body.to === 'server') {
      return this.#read(request.body.read);
    }
    return outcome !== undefined && this.#host.zxid >= outcome.zxid ? outcome.answer : undefined;
  }

  #read(read: Read): Answer {
    switch (read.kind) {
      case 'ping':
      case 'whoAmI':
        return { kind: 'nothing' };
      case 'addWatch':
        this.#watches.set(read.watch.id, read.watch);
        return { kind: 'nothing' };
      case 'removeWatch':
        this.#watches.delete(read.id);
        return { kind: 'nothing' };
      case 'multiRead':
        return { kind: 'reads', results: read.reads.map((each) => this.#readPart(each)) };
      default:
        break;
    }
    const node = this.#host.tree.get(read.path);
    if ('watch' in read && read.watch !== undefined && (node !== undefined || read.kind === 'exists')) {
      this.#watches.set(read.watch.id, read.watch);
    }
    if (read.kind === 'exists') {
      return { kind: 'stat', stat: node === undefined ? undefined : statOf(node) };
    }
    if (node === undefined) {
      return { kind: 'error', error: new ZooKeeperError('NO_NODE', read.kind, read.path) };
    }
    const stat = statOf(node);
    switch (read.kind) {
      case 'get':
        return { kind: 'data', data: node.data, stat };
      case 'children':
        return { kind: 'children', names: [...node.children], stat };
      case 'getAcl':
        return { kind: 'acl', acl: node.acl, stat };
    }
  }

  #readPart({ kind, path }: ReadOperation): ReadResult {
    const answer = this.#read({ kind, path, watch: undefined });
    switch (answer.kind) {
      case 'data':
        return { kind: 'get', data: answer.data, stat: answer.stat };
      case 'children':
        return { kind: 'children', names: answer.names };
      default:
        return { kind: 'error', error: new ZooKeeperError('NO_NODE', kind, path) };
    }
  }

  #tell(watch: ServerWatch, event: Extract<ToClient, { kind: 'event' }>['event']): void {
    this.#send({ kind: 'event', watch: watch.id, event, zxid: this.#host.zxid });
  }

  #send(message: ToClient): void {
    if (!this.#isClosed) {
      this.#toClient(message);
    }
  }
}

const SYNC: Write = { kind: 'sync' };
