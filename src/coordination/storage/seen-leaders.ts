import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { LeaderRetrieval } from '../leader-retrieval.ts';
import type { LeaderInformation } from '../leadership.ts';
import type { Subscription } from '../subscription.ts';
import type { LeaderMarker } from './leader-marker.ts';

const PAUSE_MS = 1_000;

export interface SeenLeadersOptions {
  readonly retrieval: LeaderRetrieval;
  readonly marker: Pick<LeaderMarker, 'check'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Tells of leaders once this process has seen the files of one of them: what it wrote elsewhere nobody could go on from. After that a
 * storage that is away keeps nobody from a leader.
 */
export class SeenLeaders implements LeaderRetrieval {
  readonly #options: SeenLeadersOptions;
  #sees = false;
  #said = '';

  constructor(options: SeenLeadersOptions) {
    this.#options = options;
  }

  get current(): LeaderInformation | undefined {
    return this.#sees ? this.#options.retrieval.current : undefined;
  }

  /** Errors: those of the store; STORE_AWAY as long as the leader's files are not seen. */
  async read(): Promise<LeaderInformation | undefined> {
    const leader = await this.#options.retrieval.read();
    const problem = leader === undefined ? undefined : await this.#problem(leader);
    if (problem !== undefined) {
      throw new MillraceError('STORE_AWAY', problem, { retryable: true });
    }
    return leader;
  }

  watch(listener: (leader: LeaderInformation | undefined) => void): Subscription {
    const { retrieval, clock } = this.#options;
    let timer: TimerHandle | undefined;
    let isOver = false;
    const named = async (leader: LeaderInformation | undefined): Promise<void> => {
      timer?.cancel();
      const problem = leader === undefined ? undefined : await this.#problem(leader);
      if (isOver) {
        return;
      }
      if (problem === undefined) {
        listener(retrieval.current);
      } else {
        this.#say(problem);
        timer?.cancel();
        timer = clock.after(PAUSE_MS, () => void named(retrieval.current));
      }
    };
    const subscription = retrieval.watch((leader) => (this.#sees ? listener(leader) : void named(leader)));
    return {
      end: () => {
        isOver = true;
        timer?.cancel();
        subscription.end();
      },
    };
  }

  async #problem(leader: LeaderInformation): Promise<string | undefined> {
    if (this.#sees) {
      return undefined;
    }
    const check = await this.#options.marker.check(leader.leadership);
    this.#sees ||= check.kind === 'seen';
    return check.kind === 'seen' ? undefined : check.message;
  }

  #say(problem: string): void {
    if (this.#said !== problem) {
      this.#said = problem;
      this.#options.logger.error(`This process is not ready, and registers with no leader: ${problem}`);
    }
  }
}
