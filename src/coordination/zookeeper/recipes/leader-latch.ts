import type { Clock } from '../../../foundation/common/clock.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { systemRandom } from '../../../foundation/common/system-random.ts';
import type { MultiOperation, WatchHandle, ZooKeeperClient } from '../client/zookeeper-client.ts';
import { ZooKeeperError } from '../client/zookeeper-error.ts';
import { Departures } from './departures.ts';
import { checkWait, limited } from './limited.ts';
import { Listeners } from './listeners.ts';
import { LATCH, participantsAt, type Participant } from './participants.ts';
import { QueuePlace, type QueueNode } from './queue-place.ts';
import type { RecipeOptions, WaitOptions } from './recipe-options.ts';

export interface LeaderLatchOptions extends RecipeOptions {
  /** What others read of this participant: its name, its address. Nothing unless said. */
  readonly data?: Uint8Array;
}

/** `lost` and `closed` are for good. */
export type LatchState = 'queued' | 'leading' | 'lost' | 'closed';

export type LatchEvent =
  | { readonly kind: 'gained'; readonly leadership: Leadership }
  /** No server is connected. Whoever leads does nothing that cannot be fenced until `resumed`: another may lead already. */
  | { readonly kind: 'suspended' }
  /** Connected again in the same session: the place in the queue was kept. */
  | { readonly kind: 'resumed' }
  /** The place is gone, that of the leader or of one that waited: the session is over, or what the error says. */
  | { readonly kind: 'lost'; readonly error: unknown };

export interface Leadership {
  /** Grows from one leader to the next. For fencing what is outside of ZooKeeper. */
  readonly token: bigint;
  /** Holds while this one leads. At the beginning of a `multi` it fences what the multi writes. */
  readonly check: MultiOperation;
}

/**
 * One of several that want to lead: it queues from its construction on, and leads when all before it are gone. It belongs to the
 * session; after `lost` a new latch on a new client queues again.
 *
 * ```ts
 * import { connectZooKeeper, LeaderLatch } from 'millrace/zookeeper';
 *
 * const client = connectZooKeeper({ connectString: 'zk1:2181,zk2:2181,zk3:2181' });
 * const latch = new LeaderLatch(client, '/workers/leader', { data: new TextEncoder().encode('worker-1') });
 * latch.onEvent((event) => console.log(event.kind));
 * const { token, check } = await latch.leadership();
 * await client.multi([check, { kind: 'set', path: '/workers/plan', data: new TextEncoder().encode(`by ${token}`) }]);
 * await latch.close();
 * await client.close();
 * ```
 *
 * What is said of certainty and of unclear results at `Lock` holds here, too.
 */
export class LeaderLatch implements AsyncDisposable {
  readonly #client: ZooKeeperClient;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #place: QueuePlace;
  readonly #states: WatchHandle;
  readonly #listeners = new Listeners<LatchEvent>();
  /** Leads, or never will. */
  readonly #decided: Promise<Leadership>;
  readonly #closed = Promise.withResolvers<never>();
  #state: LatchState = 'queued';
  #isToldSuspended = false;

  /** `path`: a folder of its own, which is made if it is not there. */
  constructor(client: ZooKeeperClient, path: string, options: LeaderLatchOptions = {}) {
    const { data = new Uint8Array(0), acl, clock = systemClock, random = systemRandom } = options;
    this.#client = client;
    this.#path = path;
    this.#clock = clock;
    const departures = new Departures();
    this.#place = new QueuePlace({ client, path, label: LATCH, data, acl, isPatient: true, departures, clock, random });
    this.#states = client.onState(() => this.#connectionChanged());
    this.#closed.promise.catch(() => undefined);
    this.#decided = this.#queue();
    // Those who wait for it hear, and the listeners.
    this.#decided.catch(() => undefined);
    this.#place.lost.then(
      (error) => this.#lose(error),
      () => undefined,
    );
  }

  get state(): LatchState {
    return this.#state === 'queued' || this.#state === 'leading'
      ? this.#place.loss === undefined
        ? this.#state
        : 'lost'
      : this.#state;
  }

  /** Its place is kept as far as this process has heard, but no server is connected. */
  get isSuspended(): boolean {
    return (this.state === 'queued' || this.state === 'leading') && this.#client.state !== 'connected';
  }

  /** Leads, and a server is connected. What this process knows: a write that has to be certain carries `Leadership.check`. */
  get isLeader(): boolean {
    return this.state === 'leading' && !this.isSuspended;
  }

  /** Calls with each event from now on, never from within a call of the latch. There are none after `lost` and after `close`. */
  onEvent(listener: (event: LatchEvent) => void): WatchHandle {
    return this.#listeners.add(listener);
  }

  /**
   * Resolves when it leads. Rejects with the error of `lost`, with NOT_ACQUIRED when the time is over or the latch was closed, or with the
   * signal's reason; its place in the queue it keeps. `timeoutMs` 0: only where it leads already.
   */
  async leadership(options: WaitOptions = {}): Promise<Leadership> {
    checkWait(options, LATCH, this.#path);
    const overdue = (detail = `${options.timeoutMs} ms have passed`): ZooKeeperError =>
      new ZooKeeperError('NOT_ACQUIRED', LATCH, this.#path, detail);
    if (this.#state === 'closed') {
      throw closedError(this.#path);
    }
    if (options.timeoutMs === 0 && this.state === 'queued') {
      throw overdue('it does not lead now');
    }
    const { loss } = this.#place;
    if (loss !== undefined) {
      throw loss;
    }
    return limited(Promise.race([this.#decided, this.#closed.promise]), this.#clock, options, overdue);
  }

  /** All that queue, in their order, the leader first: as of some moment after the call. */
  participants(): Promise<readonly Participant[]> {
    return participantsAt(this.#client, this.#path);
  }

  /** Who leads, with its data: as of some moment after the call. `undefined`: nobody queues. */
  async leader(): Promise<Participant | undefined> {
    return (await this.participants())[0];
  }

  /**
   * Gives up leadership and the place in the queue: whoever leads has stopped before. Resolves when the ensemble has heard of it, or the
   * session is over. The listeners hear nothing of it. Rejects as `HeldLock.release` does.
   */
  close(): Promise<void> {
    if (this.#state !== 'lost') {
      this.#state = 'closed';
    }
    this.#states.end();
    this.#closed.reject(closedError(this.#path));
    this.#listeners.clear();
    return this.#place.leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #queue(): Promise<Leadership> {
    let node: QueueNode;
    try {
      node = await this.#place.first();
    } catch (error) {
      this.#lose(error);
      throw error;
    }
    const leadership: Leadership = {
      token: node.createdIn,
      check: { kind: 'check', path: node.path, version: -1 },
    };
    if (this.#state === 'queued') {
      this.#state = 'leading';
      this.#listeners.tell({ kind: 'gained', leadership });
    }
    return leadership;
  }

  #connectionChanged(): void {
    const { state } = this.#client;
    if (state === 'connecting' && !this.#isToldSuspended) {
      this.#isToldSuspended = true;
      this.#listeners.tell({ kind: 'suspended' });
    } else if (state === 'connected' && this.#isToldSuspended) {
      this.#isToldSuspended = false;
      this.#listeners.tell({ kind: 'resumed' });
    }
  }

  #lose(error: unknown): void {
    if (this.#state === 'queued' || this.#state === 'leading') {
      this.#state = 'lost';
      this.#listeners.tell({ kind: 'lost', error });
      this.#states.end();
      // Where it is an error of the ensemble there may be a node that nobody looks after.
      this.#place.leave().catch(() => undefined);
    }
  }
}

const closedError = (path: string): ZooKeeperError =>
  new ZooKeeperError('NOT_ACQUIRED', LATCH, path, 'the latch was closed');
