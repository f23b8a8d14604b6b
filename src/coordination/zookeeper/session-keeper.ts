import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { errorInfo, MillraceError } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { StoreHealth } from '../high-availability-services.ts';
import type { Subscription } from '../subscription.ts';
import type { SessionState, WatchHandle, ZooKeeperClient } from './client/zookeeper-client.ts';

/**
 * - `connected`: again, or on a new session: what was seen before may be old;
 * - `disconnected`: the session may live;
 * - `ended`: the session is over, a new one is on its way.
 */
export type SessionEvent = 'connected' | 'disconnected' | 'ended';

export interface SessionKeeperOptions {
  readonly connect: () => ZooKeeperClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Before it is tried again with credentials that were refused. */
const REFUSED_RETRY_MS = 10_000;
/** Without a connection for so many session timeouts, a second session is tried beside the first. */
const PATIENCE_TIMEOUTS = 2;

/** Has a session at all times: where one ends, the next one begins. */
export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  readonly #listeners = new Set<(event: SessionEvent) => void>();
  #client: ZooKeeperClient;
  #watch: WatchHandle;
  #number = 1;
  #spare: ZooKeeperClient | undefined;
  #timer: TimerHandle | undefined;
  #isConnected = false;
  #isClosed = false;

  constructor(options: SessionKeeperOptions) {
    this.#options = options;
    this.#client = options.connect();
    this.#watch = this.#follow(this.#client);
  }

  get client(): ZooKeeperClient {
    return this.#client;
  }

  /** Raised with each session. */
  get number(): number {
    return this.#number;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  get health(): StoreHealth {
    if (this.#client.state === 'connected') {
      return { state: 'answers' };
    }
    const isRefused = this.#client.state === 'auth-failed';
    const what = isRefused ? 'refuses the credentials' : 'cannot be reached';
    const error = new MillraceError(isRefused ? 'STORE_BROKEN' : 'STORE_AWAY', `ZooKeeper ${what}`, {
      retryable: !isRefused,
    });
    return { state: isRefused ? 'broken' : 'away', error: errorInfo(error) };
  }

  /** Calls with each event from now on, never from within a call of the client. */
  listen(listener: (event: SessionEvent) => void): Subscription {
    const own = (event: SessionEvent): void => listener(event);
    this.#listeners.add(own);
    return { end: () => this.#listeners.delete(own) };
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#timer?.cancel();
      this.#watch.end();
      await Promise.all([this.#client.close(), this.#spare?.close()]);
    }
  }

  #follow(client: ZooKeeperClient): WatchHandle {
    return client.onState((state) => this.#heed(client, state));
  }

  #heed(client: ZooKeeperClient, state: SessionState): void {
    if (client !== this.#client || this.#isClosed) {
      return;
    }
    this.#timer?.cancel();
    switch (state) {
      case 'connected':
        this.#dropSpare();
        this.#isConnected = true;
        return this.#tell('connected');
      case 'connecting':
        this.#isConnected = false;
        this.#lookForAnother(client);
        return this.#tell('disconnected');
      case 'auth-failed':
        this.#timer = this.#options.clock.after(REFUSED_RETRY_MS, () => this.#replace(this.#options.connect()));
        return;
      case 'expired':
      case 'closed':
        this.#dropSpare();
        return this.#replace(this.#options.connect());
    }
  }

  /**
   * A server does not let a client in that has seen more than it has: where an older copy of the ensemble was put back, a session never
   * connects again and is never told that it is over. If another one connects, and this one does not for one more timeout, it is.
   */
  #lookForAnother(client: ZooKeeperClient): void {
    const { clock, connect, logger } = this.#options;
    const timeoutMs = client.session?.timeoutMs;
    if (timeoutMs === undefined) {
      return;
    }
    this.#timer = clock.after(PATIENCE_TIMEOUTS * timeoutMs, () => {
      const spare = connect();
      this.#spare = spare;
      const watch = spare.onState((state) => {
        if (state === 'connected') {
          watch.end();
          this.#timer = clock.after(timeoutMs, () => {
            logger.warn('ZooKeeper lets a new session in and not the one before: it begins anew');
            this.#spare = undefined;
            this.#replace(spare);
            void client.close();
          });
        }
      });
    });
  }

  #dropSpare(): void {
    void this.#spare?.close();
    this.#spare = undefined;
  }

  #replace(client: ZooKeeperClient): void {
    this.#timer?.cancel();
    this.#watch.end();
    this.#isConnected = false;
    this.#client = client;
    this.#number++;
    this.#watch = this.#follow(client);
    this.#tell('ended');
    if (client.state === 'connected') {
      this.#heed(client, 'connected');
    }
  }

  #tell(event: SessionEvent): void {
    [...this.#listeners].forEach((listener) => listener(event));
  }
}
