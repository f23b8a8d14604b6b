import { assert } from '../../../foundation/common/assert.ts';
import { attemptId, type AttemptId, type AttemptRef } from '../../../foundation/common/ids.ts';
import type { TaskState } from '../../protocol/task-commands.ts';
import type { Subtask } from '../scheduler/execution-graph.ts';

export type ExecutionState = 'CREATED' | 'CANCELING' | TaskState;

const ORDER: Readonly<Record<ExecutionState, number>> = {
  CREATED: 0,
  DEPLOYING: 1,
  INITIALIZING: 2,
  RUNNING: 3,
  CANCELING: 4,
  FINISHED: 5,
  CANCELED: 5,
  FAILED: 5,
};

/** What is known of the newest attempt of one subtask. */
export class Execution {
  readonly subtask: Subtask;
  #attempt: AttemptRef | undefined;
  #id: AttemptId | undefined;
  #state: ExecutionState = 'CREATED';
  #number = 0;

  constructor(subtask: Subtask) {
    this.subtask = subtask;
  }

  get id(): AttemptId | undefined {
    return this.#id;
  }

  get attempt(): AttemptRef | undefined {
    return this.#attempt;
  }

  get state(): ExecutionState {
    return this.#state;
  }

  /** Counts the starts of this subtask, for people. */
  get attemptNumber(): number {
    return this.#number;
  }

  /** Deployed, and its end is not confirmed (R1). */
  get isLive(): boolean {
    return ORDER[this.#state] >= 1 && ORDER[this.#state] <= 4;
  }

  deploy(attempt: AttemptRef): void {
    assert(!this.isLive, `${attemptId(attempt)} is deployed before the attempt before it ended`);
    this.#attempt = attempt;
    this.#id = attemptId(attempt);
    this.#state = 'DEPLOYING';
    this.#number++;
  }

  /** Whether that is news: reports may come twice. */
  moveTo(state: ExecutionState): boolean {
    if (ORDER[state] <= ORDER[this.#state]) {
      return false;
    }
    this.#state = state;
    return true;
  }
}
