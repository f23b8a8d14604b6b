import type { DataLocation } from '../../foundation/common/data-location.ts';
import { errorInfo, messageOf } from '../../foundation/common/errors.ts';
import type { Fence } from '../../foundation/common/fence.ts';
import type { AttemptId } from '../../foundation/common/ids.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { JobManagerProtocol } from '../protocol/cluster-protocol.ts';
import type { JobMasterGateway, TaskMetrics, TaskReport } from '../protocol/task-commands.ts';
import type { RpcConnection } from '../rpc/rpc-connection.ts';

/** Of a message of user code: what an error says of itself may be longer than a message between processes. */
const SHOWN_LENGTH_MAX = 4_000;

/** One connection to a leader, from the registration on: what tasks report goes over it, in order (R15). */
export class LeaderSession implements JobMasterGateway {
  readonly connection: RpcConnection<JobManagerProtocol>;
  /** Whose it is. */
  fence: Fence;
  readonly #logger: Logger;

  constructor(connection: RpcConnection<JobManagerProtocol>, fence: Fence, logger: Logger) {
    this.connection = connection;
    this.fence = fence;
    this.#logger = logger;
  }

  report(report: TaskReport): void {
    try {
      this.#send(report);
    } catch (thrown) {
      this.#logger.warn(`A report of ${report.attempt} cannot be sent: ${messageOf(thrown)}`);
      this.#sendInstead(report, thrown);
    }
  }

  metrics(metrics: readonly TaskMetrics[]): void {
    for (const [job, own] of Map.groupBy(metrics, ({ attempt }) => jobOf(attempt))) {
      this.connection.send('taskMetrics', { fence: this.fence, job, metrics: own });
    }
  }

  located(data: readonly DataLocation[]): void {
    this.connection.send('dataLocations', { fence: this.fence, data: [...data] });
  }

  #send(report: TaskReport): void {
    this.connection.send('taskReport', { fence: this.fence, job: jobOf(report.attempt), report });
  }

  /** What is too long, or holds what cannot travel: the leader hears of it all the same. */
  #sendInstead(report: TaskReport, thrown: unknown): void {
    if (report.kind === 'acknowledge') {
      const { attempt, checkpointId } = report;
      this.#send({ kind: 'decline', attempt, checkpointId, error: errorInfo(thrown) });
    } else if ((report.kind === 'state' || report.kind === 'decline') && report.error !== undefined) {
      const { name, message, code, retryable } = report.error;
      const error = {
        name,
        message: message.slice(0, SHOWN_LENGTH_MAX),
        ...(code === undefined ? {} : { code }),
        ...(retryable === undefined ? {} : { retryable }),
      };
      this.#send({ ...report, error });
    } else {
      // It would be missing in the order; the table that comes with the next registration has it.
      this.connection.close(messageOf(thrown));
    }
  }
}

const jobOf = (attempt: AttemptId): string => attempt.slice(0, attempt.indexOf('/'));
