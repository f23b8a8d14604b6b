import {
  connectZooKeeper,
  type ZooKeeperOptions,
} from '../../../src/coordination/zookeeper/client/connect-zookeeper.ts';
import type { ZooKeeperClient, WatchEvent } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError, type ZooKeeperErrorCode } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { eventually } from './eventually.ts';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (data: Uint8Array): string => new TextDecoder().decode(data);

/**
 * Behind a write that changes nothing a client reads what anybody was answered before, and has heard of it. Behind a `sync` it may not: the
 * server that leads takes that for a read.
 */
export const caughtUp = async (client: ZooKeeperClient): Promise<void> => {
  while (!(await agrees(client))) {
    // The connection was lost, which may be before there was an answer: it changes nothing a second time either.
  }
};

const agrees = async (client: ZooKeeperClient): Promise<boolean> => {
  try {
    // A refusal is agreed on as well.
    await client.multi([{ kind: 'check', path: '/', version: -1 }]);
    return true;
  } catch (error) {
    if (error instanceof ZooKeeperError && error.isRetryable) {
      return false;
    }
    throw error;
  }
};

/** The code with which a promise rejects; `'ok'` where it does not. */
export const endOf = async (promise: Promise<unknown>): Promise<ZooKeeperErrorCode | 'ok'> => {
  try {
    await promise;
    return 'ok';
  } catch (error) {
    if (error instanceof ZooKeeperError) {
      return error.code;
    }
    throw error;
  }
};

/** Clients of one test file, closed at the end of a test. */
export class Clients implements AsyncDisposable {
  readonly #connectString: string;
  readonly #clients: ZooKeeperClient[] = [];

  constructor(connectString: string) {
    this.#connectString = connectString;
  }

  /** Session timeout 2 s unless said. */
  open(options: Partial<ZooKeeperOptions> = {}): ZooKeeperClient {
    const client = connectZooKeeper({ connectString: this.#connectString, sessionTimeoutMs: 2_000, ...options });
    this.#clients.push(client);
    return client;
  }

  async connected(options: Partial<ZooKeeperOptions> = {}): Promise<ZooKeeperClient> {
    const client = this.open(options);
    await until(client, 'connected');
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}

export const until = (client: ZooKeeperClient, state: ZooKeeperClient['state'], timeoutMs = 20_000): Promise<void> =>
  eventually(`the client is ${state}, not ${client.state}`, () => client.state === state, { everyMs: 2, timeoutMs });

/** A watcher that keeps what it hears, as `kind path`. */
export const recorder = (): { readonly events: string[]; readonly watch: (event: WatchEvent) => void } => {
  const events: string[] = [];
  return { events, watch: ({ kind, path }) => events.push(`${kind} ${path}`) };
};
