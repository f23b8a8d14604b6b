import { isSameLeadership, type LeaderInformation } from '../../coordination/leadership.ts';
import type { Logger } from '../../foundation/common/logger.ts';

/** What a JobManager says of who leads, and of what it waits for itself. */
export class LeaderNews {
  readonly #logger: Logger;
  readonly #ownInstanceId: string;
  #leader: LeaderInformation | undefined;
  /** It stood by before anybody led. */
  #waitsForNobody = false;

  constructor(logger: Logger, ownInstanceId: string) {
    this.#logger = logger;
    this.#ownInstanceId = ownInstanceId;
  }

  /** The newest that was heard of. */
  get leader(): LeaderInformation | undefined {
    return this.#leader;
  }

  standsBy(): void {
    this.#waitsForNobody = this.#leader === undefined;
    this.#logger.info(
      this.#leader === undefined ? 'Standby: waiting to be granted leadership' : waitingFor(this.#leader),
    );
  }

  heard(leader: LeaderInformation | undefined): void {
    const isNew = leader !== undefined && !isSameLeadership(leader.leadership, this.#leader?.leadership);
    this.#leader = leader;
    if (isNew) {
      const { endpoints, leadership } = leader;
      this.#logger.info(
        `New leader elected ${leadership.sessionId} at ${endpoints.rpcAddress} (epoch ${leadership.epoch})`,
      );
      if (this.#waitsForNobody && endpoints.instanceId !== this.#ownInstanceId) {
        this.#logger.info(waitingFor(leader));
      }
      this.#waitsForNobody = false;
    }
  }
}

const waitingFor = ({ endpoints }: LeaderInformation): string =>
  `Standby: waiting for the leadership of ${endpoints.rpcAddress} to end`;
