import type { Clock } from '../../../foundation/common/clock.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { childOf } from '../client/paths.ts';
import type { WatchHandle, ZooKeeperClient } from '../client/zookeeper-client.ts';
import { Listeners } from './listeners.ts';
import { LATCH, participantsAt, readParticipant, type Participant } from './participants.ts';
import { endOf, ifThere, patiently } from './patience.ts';
import { inOrder } from './queue-names.ts';

export interface LeaderRetrievalOptions {
  /** That of the system unless said. */
  readonly clock?: Clock;
}

/**
 * Follows who leads at the path of a `LeaderLatch`, from any client. It watches the leader's node alone, so that those who queue behind
 * it disturb nobody.
 *
 * ```ts
 * import { connectZooKeeper, LeaderRetrieval } from 'millrace/zookeeper';
 *
 * const client = connectZooKeeper({ connectString: 'zk1:2181,zk2:2181,zk3:2181' });
 * const retrieval = new LeaderRetrieval(client, '/workers/leader');
 * retrieval.onLeader((leader) => console.log(leader && new TextDecoder().decode(leader.data)));
 * const newest = await retrieval.read();
 * console.log(newest?.token);
 * retrieval.end();
 * await client.close();
 * ```
 *
 * `current` is as old as what the connected server has not told yet: some milliseconds, and where that server is cut off from the others
 * up to the time after which it notices. While no server is connected it is what was heard last, and `isSuspended` says so.
 */
export class LeaderRetrieval implements Disposable {
  /** Resolves with the reason once nothing is followed any more: the session is over, or the ensemble does not allow the look. */
  readonly lost: Promise<unknown>;
  readonly #client: ZooKeeperClient;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #listeners = new Listeners<Participant | undefined>();
  readonly #states: WatchHandle;
  #current: Participant | undefined;
  #isKnown = false;
  #isOver = false;
  #hasMoved = false;
  #wake: () => void = () => undefined;

  /** `path`: that of the latches; it need not be there yet. */
  constructor(client: ZooKeeperClient, path: string, { clock = systemClock }: LeaderRetrievalOptions = {}) {
    this.#client = client;
    this.#path = path;
    this.#clock = clock;
    this.#states = client.onState(() => this.#stateChanged());
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.lost = promise;
    this.#follow().then(undefined, (error: unknown) => {
      if (!this.#isOver) {
        this.#tell(undefined);
        this.#stop();
        resolve(error);
      }
    });
  }

  /** `undefined`: nobody leads, or it is not known yet, or nothing is followed any more. */
  get current(): Participant | undefined {
    return endOf(this.#client.state, LATCH, this.#path) === undefined ? this.#current : undefined;
  }

  /** No server is connected: `current` is what was heard last. */
  get isSuspended(): boolean {
    return !this.#isOver && this.#client.state === 'connecting';
  }

  /**
   * Calls with the leader once it is known, at once where it is, and with each other one; also where its data changed, and where there
   * is none any more. Never from within a call of this.
   */
  onLeader(listener: (leader: Participant | undefined) => void): WatchHandle {
    let isTold = false;
    let isEnded = false;
    const handle = this.#listeners.add((leader) => {
      isTold = true;
      listener(leader);
    });
    if (this.#isKnown) {
      queueMicrotask(() => {
        if (!isTold && !isEnded) {
          listener(this.current);
        }
      });
    }
    return {
      end: () => {
        isEnded = true;
        handle.end();
      },
    };
  }

  /** Asks the ensemble: as of some moment after the call. */
  async read(): Promise<Participant | undefined> {
    return (await participantsAt(this.#client, this.#path))[0];
  }

  /** Nothing is followed any more; the listeners hear nothing of it. */
  end(): void {
    this.#stop();
    this.#listeners.clear();
    this.#wake();
  }

  [Symbol.dispose](): void {
    this.end();
  }

  #stop(): void {
    this.#isOver = true;
    this.#current = undefined;
    this.#states.end();
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      this.#hasMoved = false;
      const leader = await patiently(
        this.#clock,
        () => this.#lookAndWatch(),
        () => !this.#isOver,
      );
      this.#tell(leader);
      await this.#untilMoved();
      const error = endOf(this.#client.state, LATCH, this.#path);
      if (error !== undefined) {
        throw error;
      }
    }
  }

  /** Whoever leads, of whose end `#moved` hears; where nobody does, of the first that comes. */
  async #lookAndWatch(): Promise<Participant | undefined> {
    while (!this.#isOver) {
      const children = await ifThere(this.#client.children(this.#path));
      const [first] = inOrder(children?.names ?? [], LATCH);
      if (first !== undefined) {
        const leader = await readParticipant(this.#client, childOf(this.#path, first), this.#moved);
        if (leader !== undefined) {
          return leader;
        }
      } else if (await this.#watchEmpty(children !== undefined)) {
        return undefined;
      }
    }
    return undefined;
  }

  /** Whether there is still nobody, and it is watched. */
  async #watchEmpty(isThere: boolean): Promise<boolean> {
    if (!isThere) {
      return (await this.#client.exists(this.#path, this.#moved)) === undefined;
    }
    const children = await ifThere(this.#client.children(this.#path, this.#moved));
    return children !== undefined && inOrder(children.names, LATCH).length === 0;
  }

  readonly #moved = (): void => {
    this.#hasMoved = true;
    this.#wake();
  };

  async #untilMoved(): Promise<void> {
    if (!this.#hasMoved && !this.#isOver && endOf(this.#client.state, LATCH, this.#path) === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #stateChanged(): void {
    if (endOf(this.#client.state, LATCH, this.#path) !== undefined) {
      this.#tell(undefined);
      this.#wake();
    }
  }

  #tell(leader: Participant | undefined): void {
    if (this.#isOver) {
      return;
    }
    const before = this.#current;
    const isSame =
      before?.path === leader?.path && Buffer.compare(before?.data ?? NOTHING, leader?.data ?? NOTHING) === 0;
    this.#current = leader;
    if (!this.#isKnown || !isSame) {
      this.#isKnown = true;
      this.#listeners.tell(leader);
    }
  }
}

const NOTHING = new Uint8Array(0);
