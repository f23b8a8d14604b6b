import { present } from '../../../foundation/common/assert.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import { subtaskName } from '../scheduler/execution-graph.ts';
import type { Execution } from './execution.ts';
import type { ActionOf } from './job-event.ts';
import type { JobListener } from './job-master-options.ts';

export interface JobJournalOptions {
  readonly jobId: JobId;
  readonly jobName: string;
  readonly logger: Logger;
  readonly listener: JobListener | undefined;
}

/** Says what happens to a job, in the words that people and scripts know from Flink. */
export class JobJournal {
  /** Of the newest restart. */
  latestFailure: ErrorInfo | undefined;
  readonly #options: JobJournalOptions;

  constructor(options: JobJournalOptions) {
    this.#options = options;
  }

  taskSwitched(execution: Execution, { from, to, error }: ActionOf<'task-switched'>): void {
    const { logger, listener } = this.#options;
    const name = subtaskName(execution.subtask);
    const attempt = present(execution.id, 'attempt');
    const line = `${name} (${attempt}) switched from ${from} to ${to}.`;
    if (to === 'FAILED') {
      // What follows from it (a restart, the end of the job) is said with its reason where it is decided.
      logger.info(`${line} ${error?.message ?? ''}`, { error });
    } else {
      logger.debug(line);
    }
    listener?.taskChanged?.(present(execution.attempt, 'attempt'), name, to, error);
  }

  statusChanged({ from, to, error }: ActionOf<'status'>): void {
    const { jobName, jobId, logger, listener } = this.#options;
    const line = `Job ${jobName} (${jobId}) switched from state ${from} to ${to}.`;
    logger.info(error === undefined ? line : `${line} ${error.message}`, { error });
    listener?.statusChanged?.(from, to);
  }

  restartPlanned({ indices, delayMs, error }: ActionOf<'restart-planned'>): void {
    const { jobName, logger } = this.#options;
    this.latestFailure = error;
    logger.warn(
      `Restarting ${tasks(indices.length)} of job ${jobName} in ${delayMs} ms after a failure: ${error.message}`,
      {
        error,
      },
    );
  }

  adopted({ indices, unreported }: ActionOf<'adopt'>): void {
    const { jobName, logger } = this.#options;
    const going = indices.length - unreported;
    if (going > 0) {
      logger.info(`${tasks(going)} of job ${jobName} went on without a leader and are left as they are`);
    }
    if (unreported > 0) {
      logger.info(`${tasks(unreported)} of job ${jobName} had finished, as the newest checkpoint says`);
    }
  }
}

const tasks = (count: number): string => (count === 1 ? '1 task' : `${count} tasks`);
