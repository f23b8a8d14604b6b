import { present } from '../../../src/foundation/common/assert.ts';
import type { Clock } from '../../../src/foundation/common/clock.ts';
import type { Random } from '../../../src/foundation/common/random.ts';
import type {
  MultiOperation,
  MultiResult,
  Session,
} from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { carryOut } from './carry-out.ts';
import type { Answer, Attachment, ToClient, Write } from './messages.ts';
import { ServerConnection } from './server-connection.ts';
import { Server } from './server.ts';
import { statOf, Tree, type Committed, type Delta } from './tree.ts';

/** A write that the ensemble has accepted. */
export interface Accepted {
  readonly session: bigint;
  readonly operations: readonly MultiOperation[];
  readonly deltas: readonly Delta[];
  readonly before: Tree;
  readonly after: Tree;
}

export interface EnsembleOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Of one message between two servers, or a client and its server. */
  readonly delayMs: (random: Random) => number;
  /** How much later than the leader a server has what was agreed on. */
  readonly lagMs?: (random: Random) => number;
  /** A write was accepted; also what the end of a session deletes, as one. */
  readonly accepted?: (accepted: Accepted) => void;
  readonly minSessionTimeoutMs?: number;
}

interface KnownSession extends Session {
  touchedAtMs: number;
  /** Its newest write. */
  wroteIn: bigint;
  connection: ServerConnection | undefined;
}

/** What an ensemble holds, for `restore`. */
export interface EnsembleCopy {
  readonly tree: Tree;
  readonly sessions: readonly Session[];
}

export type Attached =
  | { readonly kind: 'attached'; readonly session: Session; readonly connection: ServerConnection }
  | { readonly kind: 'expired' }
  | { readonly kind: 'refused' };

const SERVERS = ['zk1', 'zk2', 'zk3'];
const AGREED_MAX = 1_000;

/**
 * A model of a ZooKeeper ensemble, for one thread and any clock. What was agreed on is the truth; servers follow it some time
 * later, also the one that leads (the first that is not cut off). Each answers reads from what it has, and a session's writes before
 * its reads after them.
 */
export class Ensemble {
  readonly servers: readonly Server[];
  readonly #options: EnsembleOptions;
  readonly #sessions = new Map<bigint, KnownSession>();
  #tree = new Tree();
  /** The newest of them; servers behind that take the whole tree. */
  #agreed: Committed[] = [];
  #round = 1n;
  #counter = 0n;
  #lastSession = 0x1000n;
  #restored = 0;
  #isAway = false;

  constructor(options: EnsembleOptions) {
    this.#options = options;
    this.servers = SERVERS.map((name) => new Server(name, this));
  }

  /** As the leader has it. */
  get tree(): Tree {
    return this.#tree;
  }

  get sessions(): readonly bigint[] {
    return [...this.#sessions.keys()];
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  // What clients and servers ask.

  /** A client has reached this server. `toClient` is the way back; `ended`: the server has closed the connection. */
  attach(server: Server, attachment: Attachment, toClient: (message: ToClient) => void, ended: () => void): Attached {
    const { clock, random, delayMs } = this.#options;
    if (this.#isAway || server.isIsolated || server.zxid < attachment.zxid) {
      return { kind: 'refused' };
    }
    const session = this.#sessionOf(attachment);
    if (session === undefined) {
      return { kind: 'expired' };
    }
    const options = { session: session.id, host: server, clock, delayMs: () => delayMs(random), toClient, ended };
    const connection = new ServerConnection(options);
    this.#end(session.connection, 0);
    session.connection = connection;
    session.touchedAtMs = clock.monotonic();
    server.connections.add(connection);
    connection.setAgain(
      attachment.watches,
      this.#agreed.filter(({ zxid }) => zxid > attachment.zxid && zxid <= server.zxid),
    );
    return { kind: 'attached', session, connection };
  }

  touch(connection: ServerConnection): void {
    const session = this.#sessions.get(connection.session);
    if (session?.connection === connection) {
      session.touchedAtMs = this.#options.clock.monotonic();
    }
  }

  write(connection: ServerConnection, write: Write): { readonly answer: Answer; readonly zxid: bigint } {
    const session = this.#sessions.get(connection.session);
    if (this.#isAway || session === undefined) {
      return this.#refusal('SESSION_EXPIRED');
    }
    // As servers tell their leader of each session they take over: what is on its way from the one before comes too late.
    if (session.connection !== undefined && session.connection !== connection) {
      return this.#refusal('SESSION_MOVED');
    }
    switch (write.kind) {
      case 'sync':
        this.#together.forEach((server) => this.#teach(server));
        return { answer: { kind: 'nothing' }, zxid: this.#syncedIn(session, connection) };
      case 'close':
        this.expire(session.id);
        return { answer: { kind: 'nothing' }, zxid: this.#zxid };
      case 'setAcl':
        return { answer: this.#setAcl(session.id, write), zxid: (session.wroteIn = this.#zxid) };
      case 'one':
      case 'multi': {
        const outcome = this.#change(session.id, write);
        session.wroteIn = outcome.zxid;
        return outcome;
      }
    }
  }

  // What strikes an ensemble, and what a person does to it.

  /** The session ends; its client hears of it when it connects again. */
  expire(id: bigint): void {
    const session = this.#sessions.get(id);
    if (session === undefined) {
      return;
    }
    this.#sessions.delete(id);
    const paths = this.#tree.ephemeralsOf(id);
    const deltas = paths.map((path): Delta => ({ kind: 'delete', path }));
    this.#commit(
      id,
      paths.map((path) => ({ kind: 'delete', path })),
      deltas,
    );
    this.#end(session.connection, 0);
  }

  /** A client that is no part of the system. Whether there was something to delete. */
  deleteNode(path: string): boolean {
    const operations: readonly MultiOperation[] = [{ kind: 'delete', path }];
    return this.#change(0n, { kind: 'multi', operations }).isOk;
  }

  /** All servers are gone, or have no majority. */
  away(): void {
    this.#isAway = true;
    this.#sessions.forEach((session) => {
      this.#end(session.connection, 0);
      session.connection = undefined;
    });
  }

  /** Sessions are as young as their newest sign of life then. */
  back(): void {
    if (this.#isAway) {
      this.#isAway = false;
      this.#round++;
      this.#counter = 0n;
      this.#together.forEach((server) => this.#teach(server));
      this.#sessions.forEach((session) => this.#live(session));
    }
  }

  /** A server that is cut off from the others goes on answering reads; when it is back it begins anew. */
  isolate(server: Server): void {
    server.isIsolated = true;
  }

  rejoin(server: Server): void {
    if (server.isIsolated) {
      server.isIsolated = false;
      server.connections.forEach((connection) => this.#end(connection, 0));
      server.replace(this.#tree, this.#zxid);
    }
  }

  copy(): EnsembleCopy {
    return { tree: this.#tree.copy(), sessions: [...this.#sessions.values()] };
  }

  /** All servers are stopped, their disks hold that, and they are started. */
  restore({ tree, sessions }: EnsembleCopy): void {
    this.away();
    this.#restored++;
    this.#sessions.clear();
    sessions.forEach(({ id, password, timeoutMs }) => {
      this.#sessions.set(id, { id, password, timeoutMs, touchedAtMs: 0, wroteIn: 0n, connection: undefined });
    });
    this.#tree = tree.copy();
    this.#agreed = [];
    // The numbers go on from those of the copy.
    this.#counter = 0n;
    this.#round = newestIn(tree) >> 32n;
    this.servers.forEach((server) => server.replace(tree, newestIn(tree)));
    this.back();
  }

  /** Nothing was ever written. */
  empty(): void {
    this.restore({ tree: new Tree(), sessions: [] });
  }

  /** The connection of a session breaks; of what was on its way to the leader so many arrive all the same. */
  breakConnection(id: bigint, kept: number): boolean {
    const connection = this.#sessions.get(id)?.connection;
    this.#end(connection, kept);
    return connection !== undefined;
  }

  /** The client has closed it, or is gone. */
  left(connection: ServerConnection, kept: number): void {
    this.#end(connection, kept);
  }

  /** What was sent on it and has not reached the leader. */
  onTheWay(id: bigint): number {
    return this.#sessions.get(id)?.connection?.onTheWay ?? 0;
  }

  get #together(): readonly Server[] {
    return this.servers.filter(({ isIsolated }) => !isIsolated);
  }

  get #zxid(): bigint {
    return (this.#round << 32n) + this.#counter;
  }

  /** The server that leads takes a sync for a read, which waits for the session's own writes and not for what others were answered. */
  #syncedIn(session: KnownSession, connection: ServerConnection): bigint {
    const isAtLeader = this.#together[0]?.connections.has(connection) === true;
    return isAtLeader ? session.wroteIn : (this.#agreed.at(-1)?.zxid ?? 0n);
  }

  #sessionOf({ session, timeoutMs }: Attachment): KnownSession | undefined {
    if (session !== undefined) {
      return this.#sessions.get(session.id);
    }
    const { random, minSessionTimeoutMs = 0 } = this.#options;
    const granted: KnownSession = {
      id: ++this.#lastSession,
      password: Buffer.from(random.hex(32), 'hex'),
      timeoutMs: Math.max(timeoutMs, minSessionTimeoutMs),
      touchedAtMs: 0,
      wroteIn: 0n,
      connection: undefined,
    };
    this.#sessions.set(granted.id, granted);
    this.#live(granted);
    return granted;
  }

  #live(session: KnownSession): void {
    session.touchedAtMs = this.#options.clock.monotonic();
    this.#watchOver(session, session.timeoutMs);
  }

  #watchOver(session: KnownSession, forMs: number): void {
    const { clock } = this.#options;
    const round = this.#round;
    clock.after(forMs, () => {
      if (this.#isAway || round !== this.#round || this.#sessions.get(session.id) !== session) {
        return;
      }
      const leftMs = session.touchedAtMs + session.timeoutMs - clock.monotonic();
      if (leftMs > 0) {
        this.#watchOver(session, Math.max(1, leftMs));
      } else {
        this.expire(session.id);
      }
    });
  }

  #change(
    session: bigint,
    write: Extract<Write, { kind: 'one' | 'multi' }>,
  ): { readonly answer: Answer; readonly zxid: bigint; readonly isOk: boolean } {
    const { clock } = this.#options;
    const operations = write.kind === 'one' ? [write.operation] : write.operations;
    const before = this.#tree.copy();
    const writer = { session, zxid: this.#zxid + 1n, atMs: Math.floor(clock.now()) };
    const outcome = carryOut(this.#tree, operations, writer);
    if (!outcome.ok) {
      // It is agreed on, too.
      this.#agree([]);
      const { index, error } = outcome;
      const answer: Answer =
        write.kind === 'one' ? { kind: 'error', error } : { kind: 'multi', outcome: { ok: false, index, error } };
      return { answer, zxid: this.#zxid, isOk: false };
    }
    const { results, deltas } = outcome;
    this.#agree(deltas);
    this.#options.accepted?.({ session, operations, deltas, before, after: this.#tree });
    const answer: Answer =
      write.kind === 'one'
        ? this.#answerOf(present(results[0], 'result'))
        : { kind: 'multi', outcome: { ok: true, results } };
    return { answer, zxid: this.#zxid, isOk: true };
  }

  /** Of an operation on its own: a node that was made is shown, as it is not in a multi. */
  #answerOf(result: MultiResult): Answer {
    return result.kind === 'create'
      ? { kind: 'created', path: result.path, stat: statOf(present(this.#tree.get(result.path), result.path)) }
      : { kind: 'result', result };
  }

  #setAcl(session: bigint, { path, acl, version }: Extract<Write, { kind: 'setAcl' }>): Answer {
    const node = this.#tree.get(path);
    if (node === undefined || (version !== -1 && version !== node.aclVersion)) {
      const error = new ZooKeeperError(node === undefined ? 'NO_NODE' : 'BAD_VERSION', 'setAcl', path);
      return { kind: 'error', error };
    }
    this.#commit(session, [], [{ kind: 'acl', path, acl }]);
    return { kind: 'stat', stat: statOf(present(this.#tree.get(path), path)) };
  }

  #commit(session: bigint, operations: readonly MultiOperation[], deltas: readonly Delta[]): void {
    const before = this.#tree.copy();
    const atMs = Math.floor(this.#options.clock.now());
    deltas.forEach((delta) => this.#tree.apply(delta, this.#zxid + 1n, atMs));
    this.#agree(deltas);
    this.#options.accepted?.({ session, operations, deltas, before, after: this.#tree });
  }

  /** What the leader's tree has already becomes known to the servers. */
  #agree(deltas: readonly Delta[]): void {
    this.#counter++;
    this.#agreed.push({ zxid: this.#zxid, atMs: Math.floor(this.#options.clock.now()), deltas });
    if (this.#agreed.length > 2 * AGREED_MAX) {
      this.#together.forEach((server) => server.learn(this.#agreed));
      this.#agreed = this.#agreed.slice(-AGREED_MAX);
    }
    this.#together.forEach((server) => this.#teach(server));
  }

  #teach(server: Server): void {
    const { clock, random, delayMs, lagMs = () => 0 } = this.#options;
    const upTo = this.#agreed.at(-1)?.zxid ?? 0n;
    const restored = this.#restored;
    clock.after(delayMs(random) + lagMs(random), () => {
      if (!server.isIsolated && restored === this.#restored) {
        server.learn(this.#agreed.filter(({ zxid }) => zxid <= upTo));
      }
    });
  }

  #refusal(code: 'SESSION_EXPIRED' | 'SESSION_MOVED'): { readonly answer: Answer; readonly zxid: bigint } {
    return { answer: { kind: 'error', error: new ZooKeeperError(code, 'write') }, zxid: 0n };
  }

  #end(connection: ServerConnection | undefined, kept: number): void {
    if (connection !== undefined) {
      this.servers.forEach(({ connections }) => connections.delete(connection));
      connection.end(kept);
    }
  }
}

const newestIn = (tree: Tree): bigint =>
  tree
    .paths('/')
    .map((path) => present(tree.get(path), path))
    .flatMap(({ modifiedIn, childrenModifiedIn }) => [modifiedIn, childrenModifiedIn])
    .reduce((newest, zxid) => (zxid > newest ? zxid : newest), 0n);
