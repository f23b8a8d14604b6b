import type { Ask } from './lasting-watch.ts';
import { multiReadRequest } from './multi-read.ts';
import { multiRequest } from './multi.ts';
import type { Chroot } from './paths.ts';
import type { Request } from './request.ts';
import {
  childrenRequest,
  createRequest,
  deleteRequest,
  existsRequest,
  getAclRequest,
  getRequest,
  setAclRequest,
  setRequest,
  syncRequest,
  whoAmIRequest,
} from './requests.ts';
import { SessionWatches } from './session-watches.ts';
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
} from './zookeeper-client.ts';
import { ZooKeeperSession, type ZooKeeperSessionOptions } from './zookeeper-session.ts';

/** The client that speaks to real servers. Methods are async so that bad arguments reject, too; they send before they return. */
export class WireZooKeeperClient implements ZooKeeperClient {
  readonly #chroot: Chroot;
  readonly #acl: readonly Acl[] | undefined;
  readonly #watches: SessionWatches;
  readonly #session: ZooKeeperSession;

  /** `acl`: of nodes that are created without one; everybody may do everything where it is missing. */
  constructor(options: ZooKeeperSessionOptions, acl?: readonly Acl[]) {
    this.#chroot = options.chroot;
    this.#acl = acl;
    this.#watches = new SessionWatches(options.chroot);
    this.#session = new ZooKeeperSession(options, this.#watches);
  }

  get state(): SessionState {
    return this.#session.state;
  }

  get session(): Session | undefined {
    return this.#session.session;
  }

  onState(listener: (state: SessionState) => void): WatchHandle {
    return this.#session.onState(listener);
  }

  async create(
    path: string,
    data: Uint8Array,
    options: CreateOptions = {},
  ): Promise<{ readonly path: string; readonly stat: Stat }> {
    return this.#submit(createRequest(this.#chroot, path, data, this.#withAcl(options)));
  }

  async get(path: string, watch?: Watcher): Promise<{ readonly data: Uint8Array; readonly stat: Stat }> {
    const request = getRequest(this.#chroot, path);
    return this.#submit(watch === undefined ? request : this.#watches.watching(request, path, watch, () => 'data'));
  }

  async exists(path: string, watch?: Watcher): Promise<Stat | undefined> {
    const request = existsRequest(this.#chroot, path);
    const kindOf = (stat: Stat | undefined) => (stat === undefined ? 'absence' : 'data');
    return this.#submit(watch === undefined ? request : this.#watches.watching(request, path, watch, kindOf));
  }

  async children(path: string, watch?: Watcher): Promise<{ readonly names: readonly string[]; readonly stat: Stat }> {
    const request = childrenRequest(this.#chroot, path);
    return this.#submit(watch === undefined ? request : this.#watches.watching(request, path, watch, () => 'children'));
  }

  async set(path: string, data: Uint8Array, version = -1): Promise<Stat> {
    return this.#submit(setRequest(this.#chroot, path, data, version));
  }

  async delete(path: string, version = -1): Promise<void> {
    return this.#submit(deleteRequest(this.#chroot, path, version));
  }

  async getAcl(path: string): Promise<{ readonly acl: readonly Acl[]; readonly stat: Stat }> {
    return this.#submit(getAclRequest(this.#chroot, path));
  }

  async setAcl(path: string, acl: readonly Acl[], version = -1): Promise<Stat> {
    return this.#submit(setAclRequest(this.#chroot, path, acl, version));
  }

  async sync(path: string): Promise<void> {
    return this.#submit(syncRequest(this.#chroot, path));
  }

  async multi(operations: readonly MultiOperation[]): Promise<MultiOutcome> {
    return this.#submit(
      multiRequest(
        this.#chroot,
        operations.map((operation) => this.#protected(operation)),
      ),
    );
  }

  async multiRead(reads: readonly ReadOperation[]): Promise<readonly ReadResult[]> {
    return this.#submit(multiReadRequest(this.#chroot, reads));
  }

  async whoAmI(): Promise<readonly { readonly scheme: string; readonly id: string }[]> {
    return this.#submit(whoAmIRequest());
  }

  async addWatch(path: string, mode: 'persistent' | 'persistent-recursive', watch: Watcher): Promise<AsyncWatchHandle> {
    return this.#watches.add(path, mode, watch, {
      begin: (): Ask => {
        const { deadlineMs } = this.#session;
        return (request) => this.#session.submit(request, deadlineMs);
      },
      isConnected: () => this.#session.state === 'connected',
    });
  }

  addAuth(scheme: string, credentials: Uint8Array): Promise<void> {
    return this.#session.addAuth(scheme, credentials);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** See `ZooKeeperSession`. */
  suspend(): void {
    this.#session.suspend();
  }

  resume(): void {
    this.#session.resume();
  }

  #withAcl(options: CreateOptions): CreateOptions {
    return this.#acl === undefined ? options : { acl: this.#acl, ...options };
  }

  #protected(operation: MultiOperation): MultiOperation {
    return operation.kind === 'create' ? { ...operation, options: this.#withAcl(operation.options ?? {}) } : operation;
  }

  #submit<T>(request: Request<T>): Promise<T> {
    return this.#session.submit(request);
  }
}
