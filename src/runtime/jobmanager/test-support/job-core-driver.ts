import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import { attemptId, type AttemptId, type JobId } from '../../../foundation/common/ids.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import type { TaskState } from '../../protocol/task-commands.ts';
import { createRestartStrategy, type RestartStrategyOptions } from '../failover/restart-strategy.ts';
import { JobCore } from '../jobmaster/job-core.ts';
import type { GenerationStart, JobAction, JobEvent } from '../jobmaster/job-event.ts';
import { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { testGraph } from './test-graph.ts';

/** Two pipelines a0-b0 and a1-b1: subtasks 0 (a0), 1 (a1), 2 (b0), 3 (b1). */
export class JobCoreDriver {
  readonly core: JobCore;
  nowMs = 0;
  actions: readonly JobAction[] = [];
  readonly history: JobAction[] = [];
  /** The newest attempt by subtask index. */
  readonly attempts = new Map<number, AttemptId>();
  #recording: GenerationStart[] = [];

  constructor(strategy: RestartStrategyOptions, failover: 'region' | 'full' = 'region', epoch = 1) {
    this.core = new JobCore({
      jobId: 'j' as JobId,
      graphVersion: 1,
      execution: new ExecutionGraph(
        testGraph(
          [
            { name: 'a', parallelism: 2 },
            { name: 'b', parallelism: 2 },
          ],
          [['a', 'b', 'forward']],
        ),
      ),
      strategy: createRestartStrategy(strategy, seededRandom(1)),
      failover,
      epoch,
    });
  }

  handle(event: JobEvent): this {
    this.actions = this.core.handle(event, { wallMs: this.nowMs, monotonicMs: this.nowMs });
    this.history.push(...this.actions);
    for (const action of this.actions) {
      if (action.kind === 'record-generation') {
        this.#recording.push(action.start);
      } else if (action.kind === 'deploy') {
        action.start.attempts.forEach((ref, index) => this.attempts.set(index, attemptId(ref)));
      }
    }
    return this;
  }

  /** The job's record is written. */
  recorded(): this {
    for (const { generation } of this.#recording.splice(0)) {
      this.handle({ kind: 'generation-recorded', generation });
    }
    return this;
  }

  task(index: number, state: TaskState, error?: ErrorInfo): this {
    const attempt = this.attempts.get(index)!;
    return this.handle({ kind: 'task-state', attempt, state, ...(error === undefined ? {} : { error }) });
  }

  at(nowMs: number): this {
    this.nowMs = nowMs;
    return this.handle({ kind: 'tick' });
  }

  running(): this {
    this.handle({ kind: 'initialized', generationFloor: { epoch: 0, number: 0 } }).recorded();
    return this.all('RUNNING');
  }

  all(state: TaskState): this {
    [0, 1, 2, 3].forEach((index) => this.task(index, state));
    return this;
  }

  get cancelled(): readonly AttemptId[] {
    return this.actions.flatMap((action) => (action.kind === 'cancel-tasks' ? action.attempts : []));
  }

  get deployed(): readonly number[] {
    return this.actions.flatMap((action) => (action.kind === 'deploy' ? [...action.start.attempts.keys()] : []));
  }

  get statuses(): readonly string[] {
    return this.history.flatMap((action) => (action.kind === 'status' ? [action.to] : []));
  }
}
