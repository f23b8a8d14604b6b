import type { WireZooKeeperClient } from '../../coordination/zookeeper/client/wire-zookeeper-client.ts';
import type { ZooKeeperOptions } from '../../coordination/zookeeper/client/connect-zookeeper.ts';
import type { AsyncWatchHandle, Watcher, WatchEvent } from '../../coordination/zookeeper/client/zookeeper-client.ts';
import type { Logger, LogFields, LogLevel } from '../../foundation/common/logger.ts';
import { imageOf } from './error-image.ts';
import type { AnswerOf, ClientCall, ClientMethod, ThreadCommand, ThreadReport } from './thread-messages.ts';

export interface ClientHostOptions {
  readonly connect: (options: ZooKeeperOptions) => WireZooKeeperClient;
  readonly post: (reports: readonly ThreadReport[]) => void;
  /** What this client says when it is closed was handed to the operating system. */
  readonly handedOver: (client: number) => void;
  /** Runs it when this turn is over. */
  readonly later: (run: () => void) => void;
}

interface Hosted {
  readonly number: number;
  readonly client: WireZooKeeperClient;
  /** By number: the client tells by the function whether it waits already. */
  readonly watchers: Map<number, Watcher>;
  readonly handles: Map<number, AsyncWatchHandle>;
}

/** The thread's side: carries out what is asked of its clients, and reports all that they say, in the order in which they say it. */
export class ClientHost {
  readonly #options: ClientHostOptions;
  readonly #clients = new Map<number, Hosted>();
  #reports: ThreadReport[] = [];

  constructor(options: ClientHostOptions) {
    this.#options = options;
  }

  handle(command: ThreadCommand): void {
    if (command.kind === 'connect') {
      return this.#connect(command);
    }
    const hosted = this.#clients.get(command.client);
    if (hosted === undefined) {
      return;
    }
    switch (command.kind) {
      case 'call':
        return this.#call(hosted, command.id, command.call);
      case 'forget-watch':
        hosted.watchers.delete(command.watch);
        return;
      case 'end-watch':
        hosted.handles.get(command.watch)?.end();
        hosted.handles.delete(command.watch);
        return;
      case 'close':
        return this.#close(hosted);
      case 'forget':
        this.#clients.delete(hosted.number);
    }
  }

  /** Drops all connections; see `ZooKeeperSession.suspend`. False: there is none to drop. */
  suspend(): boolean {
    for (const { client } of this.#clients.values()) {
      client.suspend();
    }
    return this.#clients.size > 0;
  }

  resume(): void {
    for (const { client } of this.#clients.values()) {
      client.resume();
    }
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    this.#report({ kind: 'log', level, message, fields });
  }

  #connect({ client: number, options }: Extract<ThreadCommand, { kind: 'connect' }>): void {
    const client = this.#options.connect({ ...options, logger: this.#logger() });
    this.#clients.set(number, { number, client, watchers: new Map(), handles: new Map() });
    client.onState((state) => this.#report({ kind: 'state', client: number, state, session: client.session }));
  }

  #call(hosted: Hosted, id: number, call: ClientCall): void {
    const client = hosted.number;
    this.#perform(hosted, call).then(
      (value) => this.#report({ kind: 'answer', client, id, value }),
      (error: unknown) => this.#report({ kind: 'refused', client, id, error: imageOf(error) }),
    );
  }

  #perform(hosted: Hosted, call: ClientCall): Promise<AnswerOf<ClientMethod>> {
    const { client, handles } = hosted;
    switch (call.method) {
      case 'create':
        return client.create(call.path, call.data, call.options);
      case 'get':
        return client.get(call.path, this.#watcher(hosted, call.watch));
      case 'exists':
        return client.exists(call.path, this.#watcher(hosted, call.watch));
      case 'children':
        return client.children(call.path, this.#watcher(hosted, call.watch));
      case 'set':
        return client.set(call.path, call.data, call.version);
      case 'delete':
        return client.delete(call.path, call.version);
      case 'getAcl':
        return client.getAcl(call.path);
      case 'setAcl':
        return client.setAcl(call.path, call.acl, call.version);
      case 'sync':
        return client.sync(call.path);
      case 'multi':
        return client
          .multi(call.operations)
          .then((outcome) => (outcome.ok ? outcome : { ...outcome, error: imageOf(outcome.error) }));
      case 'multiRead':
        return client
          .multiRead(call.reads)
          .then((results) =>
            results.map((each) => (each.kind === 'error' ? { ...each, error: imageOf(each.error) } : each)),
          );
      case 'whoAmI':
        return client.whoAmI();
      case 'addWatch':
        return this.#addWatch(hosted, call);
      case 'removeWatch': {
        const handle = handles.get(call.watch);
        handles.delete(call.watch);
        return handle?.remove() ?? Promise.resolve();
      }
      case 'addAuth':
        return client.addAuth(call.scheme, call.credentials);
    }
  }

  #watcher({ number, watchers }: Hosted, watch: number | undefined): Watcher | undefined {
    if (watch === undefined) {
      return undefined;
    }
    let watcher = watchers.get(watch);
    if (watcher === undefined) {
      watcher = (event) => this.#heard(number, watch, event);
      watchers.set(watch, watcher);
    }
    return watcher;
  }

  /** All that hear of one event get the same object, one after the other. */
  #heard(client: number, watch: number, event: WatchEvent): void {
    const last = this.#reports.at(-1);
    if (last?.kind === 'heard' && last.client === client && last.event === event) {
      this.#reports[this.#reports.length - 1] = { ...last, watches: [...last.watches, watch] };
    } else {
      this.#report({ kind: 'heard', client, watches: [watch], event });
    }
  }

  async #addWatch(
    { number, client, handles }: Hosted,
    { path, mode, watch }: Extract<ClientCall, { method: 'addWatch' }>,
  ): Promise<void> {
    const heard: Watcher = (event) => this.#report({ kind: 'heard-lasting', client: number, watch, event });
    handles.set(watch, await client.addWatch(path, mode, heard));
  }

  #close({ number, client }: Hosted): void {
    this.#clients.delete(number);
    const closing = client.close();
    this.#options.handedOver(number);
    void closing.then(() => this.#report({ kind: 'closed', client: number }));
  }

  #report(report: ThreadReport): void {
    this.#reports.push(report);
    if (this.#reports.length === 1) {
      this.#options.later(() => this.#flush());
    }
  }

  #flush(): void {
    const reports = this.#reports;
    this.#reports = [];
    this.#options.post(reports);
  }

  #logger(): Logger {
    const at =
      (level: LogLevel) =>
      (message: string, fields?: LogFields): void =>
        this.log(level, message, fields);
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }
}
