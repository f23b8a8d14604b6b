import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { RestartDecision } from '../failover/restart-strategy.ts';
import { subtaskName } from '../scheduler/execution-graph.ts';
import type { Execution } from './execution.ts';

/** Why a job that FAILED did: the failure, where it was, and why nothing restarts it. */
export class FinalFailure {
  #error: ErrorInfo | undefined;
  #notRestarted: string | undefined;

  get error(): ErrorInfo | undefined {
    return this.#error;
  }

  /** `decision`: of the restart strategy, where it was asked. */
  decided(execution: Execution | undefined, error: ErrorInfo, decision: RestartDecision | undefined): void {
    this.#notRestarted = decision?.kind === 'give-up' ? decision.reason : undefined;
    this.#error =
      execution === undefined && decision === undefined ? error : finalError(execution, error, this.#notRestarted);
  }

  /** A lost channel is a consequence: the failure behind it may be told later, and is what people want to read. */
  told(execution: Execution, error: ErrorInfo): void {
    if (this.#error?.cause?.code === 'CHANNEL_LOST' && error.code !== 'CHANNEL_LOST') {
      this.#error = finalError(execution, error, this.#notRestarted);
    }
  }

  forget(): void {
    this.#error = undefined;
  }
}

const finalError = (execution: Execution | undefined, error: ErrorInfo, reason: string | undefined): ErrorInfo => {
  const what = execution === undefined ? '' : `task "${subtaskName(execution.subtask)}" failed: `;
  return {
    name: 'MillraceError',
    code: error.code ?? 'TASK_FAILED',
    message: `${what}${nameless(execution, error.message)}${reason === undefined ? '' : `; not restarted: ${reason}`}`,
    cause: error,
  };
};

/** A task of one operator has its name: once is enough. */
const nameless = (execution: Execution | undefined, message: string): string => {
  const prefix = execution === undefined ? '' : `operator '${execution.subtask.vertex.name}' failed: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
};
