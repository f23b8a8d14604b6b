import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../src/foundation/common/random.ts';
import type { Ensemble } from './ensemble.ts';

const KINDS = ['kill-leader', 'kill-follower', 'freeze-leader', 'freeze-follower'] as const;
export type FaultKind = (typeof KINDS)[number];

/**
 * One fault after the other, each healed before the next: a server is killed (kill -9) and restarted, or frozen (SIGSTOP) for up to 1.8 s,
 * longer than the others wait for it. Servers of 3.8.0 that are killed while one of them catches up lose what they have committed
 * (ZOOKEEPER-4646, ZOOKEEPER-4785), which says nothing about who asked them: hence the pause in which the last one catches up.
 */
export class ServerFaults {
  readonly #ensemble: Ensemble;
  readonly #random: Random;
  readonly #counts = new Map<FaultKind, number>();

  constructor(ensemble: Ensemble, random: Random) {
    this.#ensemble = ensemble;
    this.#random = random;
  }

  /** So often each. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Resolves when all servers serve again, and have caught up. */
  async inflict(): Promise<void> {
    const kind = this.#draw();
    const leader = await this.#ensemble.leader();
    const follower = (leader + 1 + this.#random.int(this.#ensemble.size - 1)) % this.#ensemble.size;
    const server = kind.endsWith('leader') ? leader : follower;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    const awayMs = this.#random.int(1_800);
    if (kind.startsWith('kill')) {
      await this.#ensemble.kill(server);
      await sleep(awayMs);
      this.#ensemble.restart(server);
    } else {
      this.#ensemble.pause(server);
      await sleep(awayMs);
      this.#ensemble.resume(server);
    }
    await this.#ensemble.serving();
    await sleep(500 + this.#random.int(500));
  }

  /** Each kind once, and then by chance. */
  #draw(): FaultKind {
    const left = KINDS.filter((kind) => !this.#counts.has(kind));
    const kinds = left.length === 0 ? KINDS : left;
    return kinds[this.#random.int(kinds.length)]!;
  }
}
