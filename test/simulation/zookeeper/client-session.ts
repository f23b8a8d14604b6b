import { assert } from '../../../src/foundation/common/assert.ts';
import type { Clock, TimerHandle } from '../../../src/foundation/common/clock.ts';
import type { Random } from '../../../src/foundation/common/random.ts';
import type {
  Session,
  SessionState,
  Watcher,
  WatchHandle,
} from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError, type ZooKeeperErrorCode } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { ClientConnection } from './client-connection.ts';
import type { Attached, Ensemble } from './ensemble.ts';
import type { Answer, Request, ToClient } from './messages.ts';
import { isOneTime, type ServerWatch, type WatchKind } from './watches.ts';

export interface ClientSessionOptions {
  readonly ensemble: Ensemble;
  /** Of the process that the client is in: nothing is heard while it stands still. */
  readonly clock: Clock;
  readonly worldClock: Clock;
  readonly random: Random;
  readonly delayMs: (random: Random) => number;
  readonly sessionTimeoutMs: number;
  /** Whether messages get through between this process and the ensemble now. */
  readonly reaches?: () => boolean;
}

interface Pending {
  readonly request: Request;
  readonly what: string;
  readonly path: string | undefined;
  /** The connection that it went out on. */
  sentOn: ClientConnection | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: ZooKeeperError) => void;
  readonly timer: TimerHandle;
}

const RETRY_MS = 50;

/** A session as a client keeps it: finds servers, sends what waits in order, hears answers and events. */
export class ClientSession {
  readonly #options: ClientSessionOptions;
  readonly #listeners = new Set<(state: SessionState) => void>();
  readonly #watches = new Map<number, { readonly watch: ServerWatch; readonly watcher: Watcher }>();
  #pending: Pending[] = [];
  #state: SessionState = 'connecting';
  #session: Session | undefined;
  #connection: ClientConnection | undefined;
  #zxid = 0n;
  #xid = 0;
  #attempt = 0;
  #heardAtMs = 0;
  #beat: TimerHandle | undefined;
  #closing: (() => void) | undefined;
  /** Set by `die`. */
  #isDead = false;

  constructor(options: ClientSessionOptions) {
    this.#options = options;
    this.#connect(0);
  }

  get state(): SessionState {
    return this.#state;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  onState(listener: (state: SessionState) => void): WatchHandle {
    const own = (state: SessionState): void => listener(state);
    this.#listeners.add(own);
    return { end: () => this.#listeners.delete(own) };
  }

  close(): Promise<void> {
    if (isForGood(this.#state)) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#closing = resolve;
      if (this.#connection === undefined || this.#state !== 'connected') {
        this.#end('closed');
        return;
      }
      this.request('close', undefined, { to: 'leader', write: { kind: 'close' } }).then(
        () => this.#end('closed'),
        () => this.#end('closed'),
      );
      this.#options.clock.after(this.#timeoutMs, () => this.#end('closed'));
    });
  }

  /** The process is gone; the kernel closes its connection, unless the host is lost too. */
  die(isHostLost: boolean): void {
    this.#isDead = true;
    this.#drop(!isHostLost);
  }

  /** A watch that is not wanted any more. */
  forget(watch: ServerWatch): void {
    this.#watches.delete(watch.id);
  }

  /** The connection breaks, as a person at the switch would do it. */
  breakConnection(): void {
    this.#lose();
  }

  get #timeoutMs(): number {
    return this.#session?.timeoutMs ?? this.#options.sessionTimeoutMs;
  }

  // Connections.

  #connect(delayMs: number): void {
    const { clock, worldClock, random, ensemble } = this.#options;
    const attempt = ++this.#attempt;
    const isCurrent = (): boolean => attempt === this.#attempt && this.#state === 'connecting' && !this.#isDead;
    clock.after(delayMs + this.#delay(), () => {
      if (!isCurrent()) {
        return;
      }
      const connection = new ClientConnection({
        ...{ ensemble, worldClock, clientClock: clock, delayMs: () => this.#delay(), reaches: () => this.#reaches },
        heard: (message) => this.#hear(message),
        lost: () => this.#lose(connection),
      });
      const server = ensemble.servers[random.int(ensemble.servers.length)]!;
      worldClock.after(this.#delay(), () => {
        const watches = [...this.#watches.values()].map(({ watch }) => watch);
        const attachment = { session: this.#session, timeoutMs: this.#timeoutMs, zxid: this.#zxid, watches };
        const attached =
          this.#reaches && !this.#isDead ? connection.attach(server, attachment) : { kind: 'refused' as const };
        clock.after(this.#delay(), () => (isCurrent() ? this.#attached(connection, attached) : undefined));
      });
    });
  }

  #attached(connection: ClientConnection, attached: Attached): void {
    switch (attached.kind) {
      case 'refused':
        return this.#connect(RETRY_MS);
      case 'expired':
        return this.#end('expired');
      case 'attached':
        this.#connection = connection;
        this.#session = attached.session;
        this.#heardAtMs = this.#options.clock.monotonic();
        this.#keepAlive(connection);
        this.#setState('connected');
        this.#pending.forEach((one) => this.#send(one));
    }
  }

  /** Sends signs of life, and gives a silent server up after two thirds of the session timeout. */
  #keepAlive(connection: ClientConnection): void {
    const { clock } = this.#options;
    const patienceMs = (this.#timeoutMs * 2) / 3;
    const silentMs = clock.monotonic() - this.#heardAtMs;
    this.#beat = clock.after(Math.max(1, Math.min(this.#timeoutMs / 3, patienceMs - silentMs)), () => {
      if (this.#connection !== connection) {
        return;
      }
      if (clock.monotonic() - this.#heardAtMs >= patienceMs) {
        this.#lose();
        return;
      }
      connection.send({ xid: 0, body: { to: 'server', read: { kind: 'ping' } } });
      this.#keepAlive(connection);
    });
  }

  #lose(connection = this.#connection): void {
    if (connection !== this.#connection && this.#state === 'connected') {
      return;
    }
    this.#drop(true);
    if (this.#closing !== undefined) {
      this.#end('closed');
    } else if (!isForGood(this.#state) && !this.#isDead) {
      this.#setState('connecting');
      this.#connect(this.#options.random.next() * RETRY_MS);
    }
  }

  #drop(isToldToServer: boolean): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#beat?.cancel();
    if (connection !== undefined && isToldToServer) {
      const { random } = this.#options;
      const { atServer, atLeader } = connection.onTheWay;
      connection.close({ atServer: random.int(atServer + 1), atLeader: random.int(atLeader + 1) });
    }
    const sent = this.#pending.filter(({ sentOn }) => sentOn !== undefined);
    this.#pending = this.#pending.filter(({ sentOn }) => sentOn === undefined);
    sent.forEach((one) => this.#fail(one, 'CONNECTION_LOSS'));
  }

  #end(state: 'expired' | 'closed'): void {
    if (isForGood(this.#state)) {
      return;
    }
    this.#drop(true);
    const code = state === 'expired' ? 'SESSION_EXPIRED' : 'SESSION_CLOSED';
    this.#pending.splice(0).forEach((one) => this.#fail(one, code));
    this.#watches.clear();
    this.#setState(state);
    this.#closing?.();
  }

  // Requests.

  /** Resolves with the answer; `heard` gets it first, before anything that comes after it. */
  request(
    what: string,
    path: string | undefined,
    body: Request['body'],
    heard?: (answer: Answer) => void,
  ): Promise<Answer> {
    const ended = endedWith(this.#state);
    if (ended !== undefined) {
      return Promise.reject(new ZooKeeperError(ended, what, path));
    }
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        request: { xid: ++this.#xid, body },
        what,
        path,
        sentOn: undefined,
        resolve: (answer) => {
          heard?.(answer);
          resolve(answer);
        },
        reject,
        timer: this.#options.clock.after(2 * this.#timeoutMs, () => this.#overdue(pending)),
      };
      this.#pending.push(pending);
      if (this.#state === 'connected') {
        this.#send(pending);
      }
    });
  }

  #send(pending: Pending): void {
    pending.sentOn = this.#connection;
    this.#connection?.send(pending.request);
  }

  #overdue(pending: Pending): void {
    this.#pending = this.#pending.filter((one) => one !== pending);
    this.#fail(pending, pending.sentOn === undefined ? 'NOT_CONNECTED' : 'OPERATION_TIMEOUT');
    if (pending.sentOn !== undefined) {
      this.#lose();
    }
  }

  #fail({ what, path, reject, timer }: Pending, code: ZooKeeperErrorCode): void {
    timer.cancel();
    reject(new ZooKeeperError(code, what, path));
  }

  #hear(message: ToClient): void {
    this.#heardAtMs = this.#options.clock.monotonic();
    this.#zxid = message.zxid > this.#zxid ? message.zxid : this.#zxid;
    if (message.kind === 'event') {
      const known = this.#watches.get(message.watch);
      if (known !== undefined && isOneTime(known.watch)) {
        this.#watches.delete(message.watch);
      }
      known?.watcher(message.event);
      return;
    }
    if (message.xid === 0) {
      return;
    }
    const pending = this.#pending.shift();
    assert(pending?.request.xid === message.xid, 'answers come in the order of the requests');
    pending.timer.cancel();
    pending.resolve(message.answer);
  }

  /** From the moment of the answer on: events come after it. */
  keep(watch: ServerWatch | undefined, watcher: Watcher | undefined, isSet: boolean): void {
    if (watch !== undefined && watcher !== undefined && isSet) {
      this.#watches.set(watch.id, { watch, watcher });
    }
  }

  newWatch(kind: WatchKind, path: string): ServerWatch {
    return { id: ++this.#xid, kind, path };
  }

  get #reaches(): boolean {
    return this.#options.reaches?.() ?? true;
  }

  #delay(): number {
    return this.#options.delayMs(this.#options.random);
  }

  #setState(state: SessionState): void {
    if (state !== this.#state) {
      this.#state = state;
      queueMicrotask(() => {
        if (!this.#isDead) {
          this.#listeners.forEach((listener) => listener(state));
        }
      });
    }
  }
}

const isForGood = (state: SessionState): boolean => state !== 'connecting' && state !== 'connected';

const endedWith = (state: SessionState): ZooKeeperErrorCode | undefined => {
  switch (state) {
    case 'expired':
      return 'SESSION_EXPIRED';
    case 'closed':
      return 'SESSION_CLOSED';
    case 'auth-failed':
      return 'AUTH_FAILED';
    case 'connecting':
    case 'connected':
      return undefined;
  }
};
