import { assert } from '../../../src/foundation/common/assert.ts';
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
} from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ClientSession, type ClientSessionOptions } from './client-session.ts';
import type { Answer, Read, Write } from './messages.ts';
import type { WatchKind } from './watches.ts';

/** The client as `ZooKeeperClient` says it is, over the model of an ensemble. */
export class ModelClient implements ZooKeeperClient {
  readonly #session: ClientSession;

  constructor(options: ClientSessionOptions) {
    this.#session = new ClientSession(options);
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

  async create(path: string, data: Uint8Array, options: CreateOptions = {}): ReturnType<ZooKeeperClient['create']> {
    const made = await this.#write('created', { kind: 'one', operation: { kind: 'create', path, data, options } });
    return { path: made.path, stat: made.stat };
  }

  async get(path: string, watcher?: Watcher): ReturnType<ZooKeeperClient['get']> {
    const { data, stat } = await this.#watching('data', 'get', path, 'data', watcher);
    return { data, stat };
  }

  async exists(path: string, watcher?: Watcher): Promise<Stat | undefined> {
    const watch = watcher === undefined ? undefined : this.#session.newWatch('exists', path);
    const { stat } = await this.#read('stat', { kind: 'exists', path, watch }, (answer) =>
      // As a client that knows what it waits for: the kind of watch follows from the answer.
      this.#session.keep(watch, watcher, answer.kind === 'stat'),
    );
    return stat;
  }

  async children(path: string, watcher?: Watcher): ReturnType<ZooKeeperClient['children']> {
    const { names, stat } = await this.#watching('children', 'children', path, 'children', watcher);
    return { names, stat };
  }

  async set(path: string, data: Uint8Array, version = -1): Promise<Stat> {
    const { result } = await this.#write('result', { kind: 'one', operation: { kind: 'set', path, data, version } });
    assert(result.kind === 'set', result.kind);
    return result.stat;
  }

  async delete(path: string, version = -1): Promise<void> {
    await this.#write('result', { kind: 'one', operation: { kind: 'delete', path, version } });
  }

  async getAcl(path: string): Promise<{ readonly acl: readonly Acl[]; readonly stat: Stat }> {
    const { acl, stat } = await this.#read('acl', { kind: 'getAcl', path });
    return { acl, stat };
  }

  async setAcl(path: string, acl: readonly Acl[], version = -1): Promise<Stat> {
    const { stat } = await this.#write('stat', { kind: 'setAcl', path, acl, version });
    assert(stat !== undefined, path);
    return stat;
  }

  async sync(path: string): Promise<void> {
    await this.#write('nothing', { kind: 'sync' }, path);
  }

  async multi(operations: readonly MultiOperation[]): Promise<MultiOutcome> {
    return (await this.#write('multi', { kind: 'multi', operations })).outcome;
  }

  async multiRead(reads: readonly ReadOperation[]): Promise<readonly ReadResult[]> {
    return (await this.#read('reads', { kind: 'multiRead', reads })).results;
  }

  async whoAmI(): Promise<readonly { readonly scheme: string; readonly id: string }[]> {
    await this.#read('nothing', { kind: 'whoAmI' });
    return [{ scheme: 'ip', id: '127.0.0.1' }];
  }

  async addWatch(
    path: string,
    mode: 'persistent' | 'persistent-recursive',
    watcher: Watcher,
  ): Promise<AsyncWatchHandle> {
    const watch = this.#session.newWatch(mode, path);
    await this.#read('nothing', { kind: 'addWatch', watch }, (answer) =>
      this.#session.keep(watch, watcher, answer.kind === 'nothing'),
    );
    const end = (): void => this.#session.forget(watch);
    return {
      end,
      remove: async () => {
        end();
        await this.#read('nothing', { kind: 'removeWatch', id: watch.id });
      },
    };
  }

  addAuth(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** The process is gone; the kernel closes its connection, unless the host is lost too. */
  die(isHostLost: boolean): void {
    this.#session.die(isHostLost);
  }

  /** The connection breaks, as a person at the switch would do it. */
  breakConnection(): void {
    this.#session.breakConnection();
  }

  async #write<K extends Answer['kind']>(kind: K, write: Write, path?: string): Promise<Extract<Answer, { kind: K }>> {
    const at = write.kind === 'one' ? write.operation.path : path;
    const what = write.kind === 'one' ? write.operation.kind : write.kind;
    return expected(kind, await this.#session.request(what, at, { to: 'leader', write }));
  }

  async #read<K extends Answer['kind']>(
    kind: K,
    read: Read,
    heard?: (answer: Answer) => void,
  ): Promise<Extract<Answer, { kind: K }>> {
    return expected(
      kind,
      await this.#session.request(read.kind, 'path' in read ? read.path : undefined, { to: 'server', read }, heard),
    );
  }

  #watching<K extends Answer['kind']>(
    kind: K,
    what: 'get' | 'children',
    path: string,
    watchKind: WatchKind,
    watcher: Watcher | undefined,
  ): Promise<Extract<Answer, { kind: K }>> {
    const watch = watcher === undefined ? undefined : this.#session.newWatch(watchKind, path);
    return this.#read(kind, { kind: what, path, watch }, (answer) =>
      this.#session.keep(watch, watcher, answer.kind === kind),
    );
  }
}

const expected = <K extends Answer['kind']>(kind: K, answer: Answer): Extract<Answer, { kind: K }> => {
  if (answer.kind === 'error') {
    throw answer.error;
  }
  assert(answer.kind === kind, `${answer.kind} instead of ${kind}`);
  return answer as Extract<Answer, { kind: K }>;
};
