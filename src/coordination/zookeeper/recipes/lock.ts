import type { Clock } from '../../../foundation/common/clock.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { systemRandom } from '../../../foundation/common/system-random.ts';
import type { MultiOperation, ZooKeeperClient } from '../client/zookeeper-client.ts';
import { ZooKeeperError } from '../client/zookeeper-error.ts';
import { Departures } from './departures.ts';
import { checkWait, limited } from './limited.ts';
import { QueuePlace, type QueueNode } from './queue-place.ts';
import type { RecipeOptions, WaitOptions } from './recipe-options.ts';

export interface LockOptions extends RecipeOptions {
  /** What the nodes hold, for people who look at the queue. Nothing unless said. */
  readonly data?: Uint8Array;
}

/** A lock that was acquired. */
export interface HeldLock extends AsyncDisposable {
  /** Grows with each acquisition, whoever's it is. For fencing what is outside of ZooKeeper: it refuses a token that is below one it has seen. */
  readonly token: bigint;
  /** Of the node that stands for it. */
  readonly path: string;
  /** Holds while the lock is held. At the beginning of a `multi` it fences what the multi writes. */
  readonly check: MultiOperation;
  /** Neither released nor lost, as far as this process has heard. */
  readonly isHeld: boolean;
  /** Held, but no server is connected: it may be another's already. It goes on where the connection comes back in time. */
  readonly isSuspended: boolean;
  /** Resolves with the reason once it is lost: the session is over, or somebody deleted the node (NO_NODE). Never where it is released first. */
  readonly lost: Promise<ZooKeeperError>;
  /**
   * Resolves when nobody has to wait for it any more: repeats until the ensemble has heard of it, or the session is over. Rejects where
   * the ensemble does not allow it (NO_AUTH): then it is free when the session is over.
   */
  release(): Promise<void>;
}

/**
 * A lock that one client at a time holds, in the order in which they asked. It belongs to the session: a holder that crashes loses it
 * with the session timeout, one whose client is closed at once. The same client can acquire it only once at a time; it waits for itself.
 *
 * ```ts
 * import { connectZooKeeper, Lock } from 'millrace/zookeeper';
 *
 * const client = connectZooKeeper({ connectString: 'zk1:2181,zk2:2181,zk3:2181' });
 * const lock = new Lock(client, '/locks/nightly-report');
 * {
 *   await using held = await lock.acquire({ timeoutMs: 30_000 });
 *   await client.multi([held.check, { kind: 'set', path: '/report', data: new TextEncoder().encode('running') }]);
 *   console.log(`others refuse tokens below ${held.token}`);
 * }
 * await client.close();
 * ```
 *
 * *What is certain*: of those who hold it, at most one has a session that lives. A process that is paused, or cut off, may outlive its
 * lock without knowing it; nothing but the check of what it writes stops it: `held.check` in the same `multi` inside of ZooKeeper,
 * `held.token` elsewhere. `isHeld` is what this process knows.
 *
 * *Unclear results*: a node whose creation was not answered is looked for by its guid, before another is made. Before the look there is
 * a write that changes nothing, on the connection that the session has now: the ensemble refuses what would come later by an earlier
 * connection. Should such a node appear all the same, it is deleted when it is in the way, at the latest with the release.
 *
 * ZooKeeper counts the acquisitions at one path in 31 bits: after two thousand million of them another path is needed.
 */
export class Lock {
  readonly #client: ZooKeeperClient;
  readonly #path: string;
  readonly #options: LockOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #departures = new Departures();

  /** `path`: a folder of its own, which is made with the first acquisition and stays. */
  constructor(client: ZooKeeperClient, path: string, options: LockOptions = {}) {
    this.#client = client;
    this.#path = path;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  /**
   * Waits for its turn. Rejects with NOT_ACQUIRED when the time is over, with the signal's reason, and with errors of the ensemble for
   * which it is no use to try again; where `timeoutMs` is 0, with all of them. None of these ends with a lock that is held: what was put
   * into the queue is taken out of it, as soon as the ensemble hears, at the latest when the session is over.
   */
  async acquire(options: WaitOptions = {}): Promise<HeldLock> {
    checkWait(options, 'lock', this.#path);
    const place = new QueuePlace({
      client: this.#client,
      path: this.#path,
      label: 'lock',
      data: this.#options.data ?? new Uint8Array(0),
      acl: this.#options.acl,
      isPatient: options.timeoutMs !== 0,
      departures: this.#departures,
      clock: this.#clock,
      random: this.#random,
    });
    try {
      const overdue = (): ZooKeeperError =>
        new ZooKeeperError('NOT_ACQUIRED', 'lock', this.#path, `${options.timeoutMs} ms have passed`);
      const node = await limited(place.first(), this.#clock, options, overdue);
      return new PlaceAsLock(this.#client, place, node);
    } catch (error) {
      // Nobody waits for that; what it fails with leaves the node to the end of the session.
      place.leave().catch(() => undefined);
      throw error;
    }
  }
}

class PlaceAsLock implements HeldLock {
  readonly token: bigint;
  readonly path: string;
  readonly check: MultiOperation;
  readonly #client: ZooKeeperClient;
  readonly #place: QueuePlace;
  #isReleased = false;

  constructor(client: ZooKeeperClient, place: QueuePlace, { path, createdIn }: QueueNode) {
    this.token = createdIn;
    this.path = path;
    this.check = { kind: 'check', path, version: -1 };
    this.#client = client;
    this.#place = place;
  }

  get isHeld(): boolean {
    return !this.#isReleased && this.#place.loss === undefined;
  }

  get isSuspended(): boolean {
    return this.isHeld && this.#client.state !== 'connected';
  }

  get lost(): Promise<ZooKeeperError> {
    return this.#place.lost;
  }

  release(): Promise<void> {
    this.#isReleased = true;
    return this.#place.leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
