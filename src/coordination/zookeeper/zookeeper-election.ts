import { assert } from '../../foundation/common/assert.ts';
import type { Clock } from '../../foundation/common/clock.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { Candidacy, Contender, LeaderElection } from '../leader-election.ts';
import type { Leadership } from '../leadership.ts';
import type { LeaderClaim } from './leader-claim.ts';
import type { LeaderFolder } from './leader-folder.ts';
import type { SessionKeeper } from './session-keeper.ts';
import type { StorePaths } from './store-paths.ts';
import { ZooKeeperCandidacy } from './zookeeper-candidacy.ts';

export interface ZooKeeperElectionOptions {
  readonly keeper: SessionKeeper;
  readonly folder: LeaderFolder;
  readonly paths: StorePaths;
  readonly clock: Clock;
  readonly random: Random;
}

export class ZooKeeperElection implements LeaderElection {
  readonly #options: ZooKeeperElectionOptions;
  #candidacy: ZooKeeperCandidacy | undefined;

  constructor(options: ZooKeeperElectionOptions) {
    this.#options = options;
  }

  async join(contender: Contender): Promise<Candidacy> {
    assert(this.#candidacy === undefined, 'a process has one candidacy');
    this.#candidacy = new ZooKeeperCandidacy(this.#options, contender);
    await this.#candidacy.queued();
    return this.#candidacy;
  }

  /** What a write under this leadership has to check; `undefined`: it is over. */
  claimOf(leadership: Leadership): LeaderClaim | undefined {
    return this.#candidacy?.claimOf(leadership);
  }

  /** A write that checked this claim was answered; it left at that time: it proves as much as one that changes nothing. */
  answered(epoch: number, sentAtMs: number): void {
    this.#candidacy?.answered(epoch, sentAtMs);
  }

  /** A write of a leader was refused: it may be the last to hear that it leads no more. */
  refused(): void {
    this.#options.folder.look().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#candidacy?.leave().catch(() => undefined);
  }
}
