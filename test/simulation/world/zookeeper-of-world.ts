import { ZooKeeperServices } from '../../../src/coordination/zookeeper/zookeeper-services.ts';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import { Ensemble, type Accepted } from '../zookeeper/ensemble.ts';
import { ModelClient } from '../zookeeper/model-client.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { VirtualTime } from './virtual-time.ts';

export const ZOOKEEPER_ROOT = '/millrace/c';
const SESSION_TIMEOUT_MS = 5_000;
/** Between a follower and what was agreed on, at quiet times. */
export const QUIET_LAG_MS = 20;
/** After an answer that got lost, so long at most. */
const RECONNECT_MS = 600;

export interface ZooKeeperOptions {
  readonly seed: number;
  readonly delayMs: (random: Random) => number;
  /** The ensemble has accepted a write. */
  readonly accepted: (accepted: Accepted) => void;
}

interface Member {
  readonly process: SimulatedProcess;
  readonly client: ModelClient;
}

/** The ensemble of a world, on hosts of its own, and how processes reach it. */
export class ZooKeeperOfWorld {
  readonly ensemble: Ensemble;
  /** Hosts whose messages do not get to the ensemble. */
  readonly cutOff = new Set<string>();
  lagMs = QUIET_LAG_MS;
  /** This part of the writes is accepted, and its connection breaks before it hears of it. */
  losesAnswers = 0;
  readonly #options: ZooKeeperOptions;
  readonly #time: VirtualTime;
  readonly #random: Random;
  #members: Member[] = [];

  constructor(options: ZooKeeperOptions, time: VirtualTime) {
    const { seed, delayMs, accepted } = options;
    this.#options = options;
    this.#time = time;
    this.#random = seededRandom(seed + 5);
    this.ensemble = new Ensemble({
      clock: time,
      random: seededRandom(seed + 6),
      delayMs,
      lagMs: (random) => random.next() ** 2 * this.lagMs,
      accepted: (write) => {
        accepted(write);
        if (this.losesAnswers > 0 && this.#random.next() < this.losesAnswers) {
          this.#loseAnswer(write.session);
        }
      },
    });
  }

  open(process: SimulatedProcess, mayLead: boolean): Promise<ZooKeeperServices> {
    const { clock, random, logger } = process;
    return ZooKeeperServices.open({
      connect: () => this.#connect(process),
      root: ZOOKEEPER_ROOT,
      storage: '/cluster',
      clock,
      random,
      logger,
      beforeCreation: mayLead ? () => Promise.resolve() : undefined,
    });
  }

  /** Sessions of living processes. */
  sessions(host: string): readonly { readonly id: bigint; readonly client: ModelClient }[] {
    return this.#members.flatMap(({ process, client }) => {
      const id = client.session?.id;
      const isOpen = client.state === 'connected' || client.state === 'connecting';
      return process.host === host && !process.isDead && isOpen && id !== undefined ? [{ id, client }] : [];
    });
  }

  /** What its process asks next waits for a new connection, and so is the first to go over it. */
  #loseAnswer(session: bigint): void {
    this.ensemble.breakConnection(session, 0);
    const host = this.#members.find(({ client }) => client.session?.id === session)?.process.host;
    if (host !== undefined && !this.cutOff.has(host) && this.#random.int(2) === 0) {
      this.cutOff.add(host);
      this.#time.after(this.#random.next() * RECONNECT_MS, () => this.cutOff.delete(host));
    }
  }

  #connect(process: SimulatedProcess): ModelClient {
    const client = new ModelClient({
      ensemble: this.ensemble,
      clock: process.clock,
      worldClock: this.#time,
      random: this.#random,
      delayMs: this.#options.delayMs,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      reaches: () => !this.cutOff.has(process.host),
    });
    this.#members = this.#members.filter((member) => !member.process.isDead);
    this.#members.push({ process, client });
    process.onDeath(() => client.die(false));
    return client;
  }
}
