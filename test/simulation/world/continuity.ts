import { attemptId, compareGenerations, type AttemptRef, type Generation } from '../../../src/foundation/common/ids.ts';
import type { TaskState } from '../../../src/runtime/protocol/task-commands.ts';
import type { Fault } from './faults.ts';
import type { TaskManagerProcess } from './task-manager-process.ts';

/** They hit JobManagers alone: tasks must not notice. */
const OF_JOB_MANAGERS: readonly Fault[] = ['leader dies', 'standby dies', 'leader pauses'];

interface Started {
  readonly generation: Generation;
  readonly tasks: number;
  /** All of them ran, or were done, whenever somebody began to lead. */
  isWhole: boolean;
}

/** I9: while only JobManagers fail, nothing is started again. */
export class Continuity {
  readonly #jobs = new Map<string, Started>();
  #isDisturbed = false;

  /** Something else than a JobManager was hit. */
  struck(fault: Fault): void {
    this.#isDisturbed ||= !OF_JOB_MANAGERS.includes(fault);
  }

  /** A user wants it to start again, or to end. */
  asked(): void {
    this.#isDisturbed = true;
  }

  /** Somebody leads; `taskManagers`: those that live. */
  granted(taskManagers: readonly TaskManagerProcess[]): void {
    const states = new Map<string, TaskState>(
      taskManagers.flatMap(({ tasks }) =>
        tasks.reports.map(({ attempt, state }) => [`${attempt.job} ${attemptId(attempt)}`, state] as const),
      ),
    );
    for (const [job, started] of this.#jobs) {
      const alive = [...states].filter(
        ([key, state]) => key.startsWith(`${job} `) && (state === 'RUNNING' || state === 'FINISHED'),
      );
      started.isWhole &&= alive.length === started.tasks;
    }
  }

  /** What is wrong with that, if it is. `tasks`: how many the job has. */
  deployed(attempt: AttemptRef, tasks: number): string | undefined {
    const started = this.#jobs.get(attempt.job);
    if (started === undefined) {
      this.#jobs.set(attempt.job, { generation: attempt.generation, tasks, isWhole: true });
      return undefined;
    }
    if (this.#isDisturbed || !started.isWhole || compareGenerations(started.generation, attempt.generation) === 0) {
      return undefined;
    }
    return `${attemptId(attempt)} starts, and only JobManagers have failed`;
  }
}
