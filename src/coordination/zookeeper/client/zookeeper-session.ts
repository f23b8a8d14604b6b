import type { Clock } from '../../../foundation/common/clock.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { ConnectionSetup } from './connection-setup.ts';
import { Connection, type Asked } from './connection.ts';
import type { ServerName } from './connect-string.ts';
import type { Welcome } from './handshake.ts';
import { Identities } from './identities.ts';
import type { JuteReader } from './jute-reader.ts';
import type { Operation } from './operation.ts';
import { OperationQueue } from './operation-queue.ts';
import type { Chroot } from './paths.ts';
import type { Request } from './request.ts';
import { closeRequest } from './requests.ts';
import type { SaslMechanism } from './sasl.ts';
import { ServerSearch } from './server-search.ts';
import type { SessionWatches } from './session-watches.ts';
import { StateListeners } from './state-listeners.ts';
import type { ServerAddress, Transport } from './transport.ts';
import { readWatchEvent } from './watch-event.ts';
import { errorCodeOf } from './wire-codes.ts';
import type { Session, SessionState, WatchHandle } from './zookeeper-client.ts';
import type { ZooKeeperErrorCode } from './zookeeper-error.ts';

export interface ZooKeeperSessionOptions {
  readonly servers: readonly ServerName[];
  readonly chroot: Chroot;
  readonly sessionTimeoutMs: number;
  /** The session to attach to. */
  readonly attach: Pick<Session, 'id' | 'password'> | undefined;
  readonly sasl: SaslMechanism | undefined;
  readonly operationsMax: number;
  readonly requestBytesMax: number;
  readonly frameBytesMax: number;
  readonly connectionTimeoutMs: number | undefined;
  readonly retryPauseMs: { readonly first: number; readonly longest: number };
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A session over whatever connections it takes: operations wait while there is none, watches are set again on each. */
export class ZooKeeperSession {
  readonly #options: ZooKeeperSessionOptions;
  readonly #watches: SessionWatches;
  readonly #operations: OperationQueue;
  readonly #identities = new Identities();
  readonly #search: ServerSearch;
  readonly #listeners: StateListeners;
  #state: SessionState = 'connecting';
  #session: Session | undefined;
  #connection: Connection | undefined;
  #setup: ConnectionSetup | undefined;
  #welcomedAtMs: number | undefined;
  /** The newest transaction that the client has seen the effects of. */
  #seenZxid = 0n;
  /** All watches have heard of what came until it. */
  #watchedZxid = 0n;
  #closing: Promise<void> | undefined;
  #onGone: (() => void) | undefined;
  #isSuspended = false;

  constructor(options: ZooKeeperSessionOptions, watches: SessionWatches) {
    this.#options = options;
    this.#watches = watches;
    this.#operations = new OperationQueue(options.clock, options);
    this.#listeners = new StateListeners();
    this.#search = new ServerSearch({
      ...options,
      timeoutMs: () => this.#timeoutMs,
      unresolved: (host, problem) => {
        this.#operations.obstacle = `${host}: ${problem}`;
      },
    });
    this.#find();
  }

  get state(): SessionState {
    return this.#state;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** Until when an operation that begins now has settled. */
  get deadlineMs(): number {
    return this.#options.clock.monotonic() + 2 * this.#timeoutMs;
  }

  onState(listener: (state: SessionState) => void): WatchHandle {
    return this.#listeners.add(listener);
  }

  /** Rejects with a `ZooKeeperError`. */
  submit<T>(request: Request<T>, deadlineMs = this.deadlineMs): Promise<T> {
    let operation: Operation<T>;
    try {
      operation = this.#operations.begin(request, deadlineMs);
    } catch (error) {
      return Promise.reject(error);
    }
    const ended = ENDED[this.#state];
    if (ended !== undefined) {
      operation.fail(ended);
    } else if (this.#state === 'connected') {
      this.#send(operation as Operation);
    } else {
      this.#operations.wait(operation as Operation);
    }
    return operation.promise;
  }

  addAuth(scheme: string, credentials: Uint8Array): Promise<void> {
    const request = this.#identities.request(scheme, credentials);
    let operation: Operation<void>;
    try {
      operation = this.#operations.begin(request, this.deadlineMs);
    } catch (error) {
      return Promise.reject(error);
    }
    const ended = ENDED[this.#state];
    if (ended !== undefined) {
      operation.fail(ended);
      return operation.promise;
    }
    const identity = this.#identities.add(operation);
    // Before the setup hands in identities it is one of them.
    if (this.#connection !== undefined && this.#setup?.hasIdentified === true) {
      this.#identities.handIn(identity, this.#connection, () => this.#refused());
    }
    return operation.promise;
  }

  /**
   * Drops the connection and takes no other until `resume`. The ensemble is told nothing: it ends the session when the timeout is over.
   * What is on its way rejects with CONNECTION_LOSS, what comes waits for a connection.
   */
  suspend(): void {
    if (this.#isSuspended || ENDED[this.#state] !== undefined) {
      return;
    }
    this.#isSuspended = true;
    this.#search.stop();
    if (this.#connection !== undefined) {
      const problem = 'the client is suspended';
      this.#connection.destroy(problem);
      this.#lose(problem, undefined);
    }
  }

  /** Connects at once. The session may be over by now. */
  resume(): void {
    if (this.#isSuspended) {
      this.#isSuspended = false;
      this.#search.worked();
      this.#find();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  get #timeoutMs(): number {
    return this.#session?.timeoutMs ?? this.#options.sessionTimeoutMs;
  }

  #find(): void {
    if (this.#isSuspended || ENDED[this.#state] !== undefined) {
      return;
    }
    this.#search.next((server, handshakeTimeoutMs) => this.#open(server, handshakeTimeoutMs));
  }

  #open(server: ServerAddress, handshakeTimeoutMs: number): void {
    const { transport, clock, frameBytesMax, sessionTimeoutMs, attach } = this.#options;
    const { id = 0n, password = NOTHING } = this.#session ?? attach ?? {};
    const hello = { seenZxid: this.#seenZxid, timeoutMs: sessionTimeoutMs, sessionId: id, password };
    this.#connection = new Connection(
      { transport, server, hello, handshakeTimeoutMs, frameBytesMax, clock },
      {
        welcomed: (welcome) => this.#welcome(welcome, server),
        notified: (body) => this.#notify(body),
        reached: (zxid) => this.#reach(zxid),
        closed: (problem, wasSilent) => {
          if (wasSilent) {
            this.#search.wasSilent();
          }
          this.#lose(problem, server);
        },
      },
    );
  }

  #welcome(welcome: Welcome, { address, port }: ServerAddress): void {
    const connection = this.#connection!;
    if (welcome.timeoutMs <= 0) {
      this.#end('expired', 'SESSION_EXPIRED');
      return;
    }
    const { sessionId: id, password, timeoutMs } = welcome;
    this.#session = { id, password, timeoutMs };
    this.#welcomedAtMs = this.#options.clock.monotonic();
    this.#options.logger.debug('zookeeper welcomed the session', { address, port, sessionId: id.toString(16) });
    const setup = new ConnectionSetup(connection, {
      sasl: this.#options.sasl,
      identities: this.#identities,
      watches: this.#watches,
      since: this.#watchedZxid,
      refused: () => this.#refused(),
      ready: () => this.#ready(),
      caughtUp: () => this.#catchUp(),
      failed: (problem) => {
        if (this.#setup === setup) {
          connection.destroy(problem);
          this.#lose(problem, undefined);
        }
      },
      heed: (error) => this.#heed(error),
    });
    this.#setup = setup;
    setup.start();
  }

  #ready(): void {
    this.#changeTo('connected');
    for (const operation of this.#operations.takeWaiting()) {
      if (this.#state !== 'connected') {
        this.#operations.wait(operation);
      } else {
        this.#send(operation);
      }
    }
  }

  #send(operation: Operation): void {
    const { op, body } = operation.request;
    operation.sent();
    const asked: Asked = {
      answered: (reply) => {
        operation.answered(reply);
        this.#heed(reply.error);
      },
      lost: (problem, isUnreadable) => operation.lost(problem, isUnreadable),
    };
    this.#connection?.ask(op, body, asked);
  }

  /** Some errors are about more than the operation that they answer. */
  #heed(error: number): void {
    const code = error === 0 ? undefined : errorCodeOf(error);
    if (code === 'SESSION_EXPIRED') {
      this.#end('expired', code);
    } else if (code === 'AUTH_FAILED') {
      this.#refused();
    } else if (code === 'SESSION_MOVED') {
      const problem = 'the session is on another server';
      this.#connection?.destroy(problem);
      this.#lose(problem, undefined);
    }
  }

  #refused(): void {
    this.#end('auth-failed', 'AUTH_FAILED');
  }

  #notify(body: JuteReader): void {
    const event = readWatchEvent(this.#options.chroot, body);
    if (event !== undefined) {
      this.#watches.dispatch(event);
    }
  }

  #reach(zxid: bigint): void {
    if (zxid > this.#seenZxid) {
      this.#seenZxid = zxid;
    }
    if (this.#setup?.isCaughtUp === true) {
      this.#catchUp();
    }
  }

  #catchUp(): void {
    this.#watchedZxid = this.#seenZxid;
    this.#watches.settled();
  }

  #lose(problem: string, server: ServerAddress | undefined): void {
    const { clock, logger } = this.#options;
    const onGone = this.#onGone;
    this.#connection = undefined;
    this.#setup = undefined;
    this.#watches.connectionLost();
    if (onGone !== undefined || ENDED[this.#state] !== undefined) {
      onGone?.();
      return;
    }
    this.#operations.obstacle = server && `${server.host}:${server.port}: ${problem}`;
    logger.debug('zookeeper connection lost', { problem, address: server?.address, port: server?.port });
    // One that is lost again and again soon after its welcome is no better than one that is refused.
    if (this.#welcomedAtMs !== undefined && clock.monotonic() - this.#welcomedAtMs > this.#timeoutMs / 3) {
      this.#search.worked();
    }
    this.#welcomedAtMs = undefined;
    this.#changeTo('connecting');
    this.#find();
  }

  /** For good. Tells everybody at once. */
  #end(state: 'expired' | 'auth-failed', code: ZooKeeperErrorCode): void {
    if (ENDED[this.#state] === undefined) {
      this.#leave(state, code);
      this.#connection?.destroy(code);
      this.#connection = undefined;
    }
  }

  #leave(state: 'expired' | 'auth-failed' | 'closed', code: ZooKeeperErrorCode): void {
    this.#changeTo(state);
    this.#search.stop();
    this.#setup = undefined;
    this.#identities.clear();
    this.#watches.clear();
    this.#operations.failAll(code);
  }

  async #close(): Promise<void> {
    if (ENDED[this.#state] !== undefined) {
      return;
    }
    const connection = this.#connection;
    const isWelcome = this.#setup !== undefined;
    this.#leave('closed', 'SESSION_CLOSED');
    if (connection === undefined || !isWelcome) {
      connection?.destroy('closed');
      this.#connection = undefined;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onGone = resolve;
    const timer = this.#options.clock.after(this.#timeoutMs / 3, resolve);
    connection.ask(closeRequest.op, closeRequest.body, { answered: () => resolve(), lost: () => resolve() });
    // The process may end right after this call.
    connection.flush();
    await promise;
    timer.cancel();
    connection.destroy('closed');
    this.#connection = undefined;
  }

  #changeTo(state: SessionState): void {
    if (state !== this.#state) {
      this.#state = state;
      this.#listeners.tell(state);
    }
  }
}

const NOTHING = new Uint8Array(0);

/** How operations end in states that are for good. */
const ENDED: Readonly<Record<SessionState, ZooKeeperErrorCode | undefined>> = {
  connecting: undefined,
  connected: undefined,
  expired: 'SESSION_EXPIRED',
  'auth-failed': 'AUTH_FAILED',
  closed: 'SESSION_CLOSED',
};
