import { present } from '../../../foundation/common/assert.ts';
import { attemptId, type AttemptId, type AttemptRef } from '../../../foundation/common/ids.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { Execution } from './execution.ts';

/** The newest attempt of every subtask, by subtask index and by attempt. */
export class AttemptTable {
  readonly executions: readonly Execution[];
  readonly #byAttempt = new Map<AttemptId, Execution>();

  constructor(execution: ExecutionGraph) {
    this.executions = execution.subtasks.map((subtask) => new Execution(subtask));
  }

  at(index: number): Execution {
    return present(this.executions[index], `execution ${index}`);
  }

  /** `undefined` for attempts of other generations. */
  of(attempt: AttemptId): Execution | undefined {
    return this.#byAttempt.get(attempt);
  }

  get someLive(): boolean {
    return this.executions.some(({ isLive }) => isLive);
  }

  deploy(index: number, attempt: AttemptRef): void {
    this.#replace(index, attempt, (execution) => execution.deploy(attempt));
  }

  expect(index: number, attempt: AttemptRef): void {
    this.#replace(index, attempt, (execution) => execution.expect(attempt));
  }

  #replace(index: number, attempt: AttemptRef, start: (execution: Execution) => void): void {
    const execution = this.at(index);
    if (execution.id !== undefined) {
      this.#byAttempt.delete(execution.id);
    }
    start(execution);
    this.#byAttempt.set(attemptId(attempt), execution);
  }
}
