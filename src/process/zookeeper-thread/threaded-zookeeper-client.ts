import { StateListeners } from '../../coordination/zookeeper/client/state-listeners.ts';
import { tell } from '../../coordination/zookeeper/client/watch-event.ts';
import type {
  Acl,
  AsyncWatchHandle,
  CreateOptions,
  MultiOperation,
  MultiOutcome,
  ReadOperation,
  ReadResult,
  Session,
  SessionState,
  Stat,
  Watcher,
  WatchHandle,
  ZooKeeperClient,
} from '../../coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError, type ZooKeeperErrorCode } from '../../coordination/zookeeper/client/zookeeper-error.ts';
import { errorOf } from './error-image.ts';
import { ReadWatches, type ReadWatchKind } from './read-watches.ts';
import type { AnswerOf, CallOf, ClientMethod, ClientReport, ThreadCommand } from './thread-messages.ts';

/** What a client needs of the thread that carries it out. */
export interface ThreadPort {
  /** Throws what cannot be a message. What is posted has been copied. */
  post(command: ThreadCommand): void;
  /** Returns when what the client says was handed to the operating system, resolves when it is closed or its thread is dead. */
  close(client: number): Promise<void>;
  /** The session is over, and all that was asked is answered. */
  left(client: number): void;
}

export interface ThreadedClientOptions {
  readonly number: number;
  readonly port: ThreadPort;
  /** Operations that are not answered; more are THROTTLED. */
  readonly operationsMax: number;
}

interface Pending {
  readonly method: ClientMethod;
  readonly path: string | undefined;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  /** Before whoever asked hears of it, and before what comes after it. */
  readonly settled: ((isOk: boolean) => void) | undefined;
}

/** A client whose session is in another thread: keeps what cannot be there, watchers and listeners and who waits for an answer. */
export class ThreadedZooKeeperClient implements ZooKeeperClient {
  readonly #options: ThreadedClientOptions;
  readonly #listeners = new StateListeners();
  readonly #pending = new Map<number, Pending>();
  readonly #readWatches: ReadWatches;
  readonly #lasting = new Map<number, Watcher>();
  #state: SessionState = 'connecting';
  #session: Session | undefined;
  #calls = 0;
  #watches = 0;
  #closing: Promise<void> | undefined;

  constructor(options: ThreadedClientOptions) {
    this.#options = options;
    const { number: client, port } = options;
    this.#readWatches = new ReadWatches(
      () => ++this.#watches,
      (watch) => port.post({ kind: 'forget-watch', client, watch }),
    );
  }

  get state(): SessionState {
    return this.#state;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  onState(listener: (state: SessionState) => void): WatchHandle {
    return this.#listeners.add(listener);
  }

  async create(
    path: string,
    data: Uint8Array,
    options?: CreateOptions,
  ): Promise<{ readonly path: string; readonly stat: Stat }> {
    return this.#ask({ method: 'create', path, data: alone(data), options }, path);
  }

  async get(path: string, watch?: Watcher): Promise<{ readonly data: Uint8Array; readonly stat: Stat }> {
    return this.#read('get', 'node', path, watch);
  }

  async exists(path: string, watch?: Watcher): Promise<Stat | undefined> {
    return this.#read('exists', 'node', path, watch);
  }

  async children(path: string, watch?: Watcher): Promise<{ readonly names: readonly string[]; readonly stat: Stat }> {
    return this.#read('children', 'children', path, watch);
  }

  async set(path: string, data: Uint8Array, version?: number): Promise<Stat> {
    return this.#ask({ method: 'set', path, data: alone(data), version }, path);
  }

  async delete(path: string, version?: number): Promise<void> {
    return this.#ask({ method: 'delete', path, version }, path);
  }

  async getAcl(path: string): Promise<{ readonly acl: readonly Acl[]; readonly stat: Stat }> {
    return this.#ask({ method: 'getAcl', path }, path);
  }

  async setAcl(path: string, acl: readonly Acl[], version?: number): Promise<Stat> {
    return this.#ask({ method: 'setAcl', path, acl, version }, path);
  }

  async sync(path: string): Promise<void> {
    return this.#ask({ method: 'sync', path }, path);
  }

  async multi(operations: readonly MultiOperation[]): Promise<MultiOutcome> {
    const copies = operations.map((each) => ('data' in each ? { ...each, data: alone(each.data) } : each));
    const image = await this.#ask({ method: 'multi', operations: copies }, undefined);
    // The error of an operation in a multi is always one of the client's.
    return image.ok ? image : { ...image, error: errorOf(image.error) as ZooKeeperError };
  }

  async multiRead(reads: readonly ReadOperation[]): Promise<readonly ReadResult[]> {
    const images = await this.#ask({ method: 'multiRead', reads }, undefined);
    return images.map((image) =>
      image.kind === 'error' ? { ...image, error: errorOf(image.error) as ZooKeeperError } : image,
    );
  }

  async whoAmI(): Promise<readonly { readonly scheme: string; readonly id: string }[]> {
    return this.#ask({ method: 'whoAmI' }, undefined);
  }

  async addWatch(
    path: string,
    mode: 'persistent' | 'persistent-recursive',
    watcher: Watcher,
  ): Promise<AsyncWatchHandle> {
    const watch = ++this.#watches;
    this.#lasting.set(watch, watcher);
    await this.#ask({ method: 'addWatch', path, mode, watch }, path, (isOk) => {
      if (!isOk) {
        this.#lasting.delete(watch);
      }
    });
    const { number: client, port } = this.#options;
    return {
      end: () => {
        if (this.#lasting.delete(watch)) {
          port.post({ kind: 'end-watch', client, watch });
        }
      },
      remove: async () => {
        if (this.#lasting.delete(watch)) {
          await this.#ask({ method: 'removeWatch', watch }, path);
        }
      },
    };
  }

  async addAuth(scheme: string, credentials: Uint8Array): Promise<void> {
    return this.#ask({ method: 'addAuth', scheme, credentials: alone(credentials) }, undefined);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** What the thread says of this client, in order. */
  take(report: ClientReport): void {
    switch (report.kind) {
      case 'answer':
        return this.#settle(report.id, true, (pending) => pending.resolve(report.value as never));
      case 'refused':
        return this.#settle(report.id, false, (pending) => pending.reject(errorOf(report.error)));
      case 'state':
        return this.#heed(report.state, report.session);
      case 'heard':
        return this.#readWatches.take(report.watches).forEach((watcher) => tell(watcher, report.event));
      case 'heard-lasting': {
        const watcher = this.#lasting.get(report.watch);
        if (watcher !== undefined) {
          tell(watcher, report.event);
        }
        return;
      }
      case 'closed':
    }
  }

  /** Nobody keeps the session any more: the ensemble ends it when its timeout is over. */
  died(): void {
    if (ENDED[this.#state] === undefined) {
      this.#end('expired');
    }
    this.#failAll('CONNECTION_LOSS', 'its thread has ended');
  }

  #read<M extends 'get' | 'exists' | 'children'>(
    method: M,
    kind: ReadWatchKind,
    path: string,
    watcher: Watcher | undefined,
  ): Promise<AnswerOf<M>> {
    if (watcher === undefined || ENDED[this.#state] !== undefined) {
      return this.#ask({ method, path, watch: undefined } as CallOf<M>, path);
    }
    const watch = this.#readWatches.begin(watcher, kind, path);
    return this.#ask({ method, path, watch: watch.number } as CallOf<M>, path, (isOk) =>
      this.#readWatches.settled(watch, isOk),
    );
  }

  #ask<M extends ClientMethod>(
    call: CallOf<M>,
    path: string | undefined,
    settled?: (isOk: boolean) => void,
  ): Promise<AnswerOf<M>> {
    const { method } = call;
    const { number: client, port, operationsMax } = this.#options;
    return new Promise((resolve, reject) => {
      const refuse = (code: ZooKeeperErrorCode, detail?: string): void => {
        settled?.(false);
        reject(new ZooKeeperError(code, nameOf(method), path, detail));
      };
      const ended = ENDED[this.#state];
      if (ended !== undefined) {
        return refuse(ended);
      }
      if (this.#pending.size >= operationsMax) {
        return refuse('THROTTLED', `${operationsMax} operations are not answered`);
      }
      const id = ++this.#calls;
      try {
        port.post({ kind: 'call', client, id, call });
      } catch {
        // Without the cause: it has what was handed in, which may be a secret.
        return refuse('BAD_ARGUMENTS', 'an argument is none of those that the operation takes');
      }
      this.#pending.set(id, { method, path, resolve, reject, settled });
    });
  }

  #settle(id: number, isOk: boolean, tellWhoAsked: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) {
      this.#pending.delete(id);
      pending.settled?.(isOk);
      tellWhoAsked(pending);
      this.#leaveIfOver();
    }
  }

  #heed(state: SessionState, session: Session | undefined): void {
    if (ENDED[this.#state] !== undefined) {
      return;
    }
    this.#session = session ?? this.#session;
    if (ENDED[state] === undefined) {
      this.#changeTo(state);
      return;
    }
    this.#end(state);
    this.#options.port.post({ kind: 'forget', client: this.#options.number });
    // Answers that were on their way come behind.
    this.#leaveIfOver();
  }

  async #close(): Promise<void> {
    if (ENDED[this.#state] !== undefined) {
      return;
    }
    this.#end('closed');
    this.#failAll('SESSION_CLOSED');
    await this.#options.port.close(this.#options.number);
  }

  #end(state: SessionState): void {
    this.#changeTo(state);
    this.#readWatches.clear();
    this.#lasting.clear();
  }

  #failAll(code: ZooKeeperErrorCode, detail?: string): void {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const { method, path, reject, settled } of all) {
      settled?.(false);
      reject(new ZooKeeperError(code, nameOf(method), path, detail));
    }
  }

  #leaveIfOver(): void {
    if (ENDED[this.#state] !== undefined && this.#state !== 'closed' && this.#pending.size === 0) {
      this.#options.port.left(this.#options.number);
    }
  }

  #changeTo(state: SessionState): void {
    if (state !== this.#state) {
      this.#state = state;
      this.#listeners.tell(state);
    }
  }
}

/** How operations end in states that are for good. */
const ENDED: Readonly<Record<SessionState, ZooKeeperErrorCode | undefined>> = {
  connecting: undefined,
  connected: undefined,
  expired: 'SESSION_EXPIRED',
  'auth-failed': 'AUTH_FAILED',
  closed: 'SESSION_CLOSED',
};

const nameOf = (method: ClientMethod): string => (method === 'removeWatch' ? 'removeWatches' : method);

/** A message takes the whole buffer that a view is of along, as it is when it is posted. */
const alone = (data: Uint8Array): Uint8Array =>
  data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength ? data : new Uint8Array(data);
