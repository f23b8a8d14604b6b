import { assert } from '../../../foundation/common/assert.ts';
import { attemptId, type AttemptId, type AttemptRef } from '../../../foundation/common/ids.ts';
import type { TaskState } from '../../protocol/task-commands.ts';
import type { Subtask } from '../scheduler/execution-graph.ts';

/** `RECONCILING`: a leader before this one deployed it; nobody has reported it yet. */
export type ExecutionState = 'CREATED' | 'RECONCILING' | 'CANCELING' | TaskState;

const ORDER: Readonly<Record<ExecutionState, number>> = {
  CREATED: 0,
  RECONCILING: 1,
  DEPLOYING: 2,
  INITIALIZING: 3,
  RUNNING: 4,
  CANCELING: 5,
  FINISHED: 6,
  CANCELED: 6,
  FAILED: 6,
};

/** Its task has not ended. */
export const isLiveState = (state: TaskState): boolean =>
  state !== 'FINISHED' && state !== 'CANCELED' && state !== 'FAILED';

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
    return ORDER[this.#state] >= ORDER.RECONCILING && ORDER[this.#state] <= ORDER.CANCELING;
  }

  /** It runs, or has finished (R11). */
  get isAccountedFor(): boolean {
    return (ORDER[this.#state] > ORDER.RECONCILING && this.isLive) || this.#state === 'FINISHED';
  }

  deploy(attempt: AttemptRef): void {
    this.#start(attempt, 'DEPLOYING');
  }

  /** The attempt of a leader before this one, which may still run. */
  expect(attempt: AttemptRef): void {
    this.#start(attempt, 'RECONCILING');
  }

  /** Whether that is news: reports may come twice. */
  moveTo(state: ExecutionState): boolean {
    if (ORDER[state] <= ORDER[this.#state]) {
      return false;
    }
    this.#state = state;
    return true;
  }

  #start(attempt: AttemptRef, state: 'DEPLOYING' | 'RECONCILING'): void {
    assert(!this.isLive, `${attemptId(attempt)} is deployed before the attempt before it ended`);
    this.#attempt = attempt;
    this.#id = attemptId(attempt);
    this.#state = state;
    this.#number++;
  }
}
