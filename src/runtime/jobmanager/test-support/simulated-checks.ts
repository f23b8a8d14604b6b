import { assert, present } from '../../../foundation/common/assert.ts';
import { attemptId, compareGenerations, type AttemptId } from '../../../foundation/common/ids.ts';
import type { TaskCommand, TaskDeployment } from '../../protocol/task-commands.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { SimulatedTask } from './simulated-task.ts';
import type { SimulatedTerm } from './simulated-term.ts';

/** What a test lets pass. */
export interface CheckExceptions {
  /** Restores may be banned: a trigger need not name a base. */
  readonly mayBeBanned?: boolean;
  /** Checkpoints that need not be restored: there are older ones that may. */
  readonly broken?: ReadonlySet<number>;
}

/** What must hold whenever a leader tells tasks something. */
export class SimulatedChecks {
  /** The first thing that did not hold: thrown by the step in which it happened, not into the code under test. */
  violation: unknown;
  readonly #execution: ExecutionGraph;
  readonly #exceptions: CheckExceptions;
  #lastTriggered = 0;

  constructor(execution: ExecutionGraph, exceptions: CheckExceptions) {
    this.#execution = execution;
    this.#exceptions = exceptions;
  }

  command(term: SimulatedTerm, attempt: AttemptId, command: TaskCommand): void {
    const { store, counter } = term;
    this.#check(() => {
      if (command.kind === 'trigger') {
        const { checkpointId, base } = command.trigger;
        assert(checkpointId >= this.#lastTriggered, `I5: trigger ${checkpointId} after ${this.#lastTriggered}`);
        assert(checkpointId <= counter.last, `R10: trigger ${checkpointId} before its id is in the store`);
        const isFull = base === undefined && this.#exceptions.mayBeBanned === true;
        const isNewest = base === this.#newestOf(term) || base === [...store.ever].at(-1);
        assert(isFull || isNewest, `R6: base ${base} is not the newest`);
        this.#lastTriggered = checkpointId;
      }
      if (command.kind === 'completed') {
        assert(
          store.undecided !== command.checkpointId,
          `R2: ${command.checkpointId} is announced to ${attempt} while undecided`,
        );
        assert(store.ever.has(command.checkpointId), `I4: ${command.checkpointId} is announced before its pointer`);
      }
    });
  }

  deployment(
    term: SimulatedTerm,
    { attempt, restore, floor }: TaskDeployment,
    liveTasks: readonly SimulatedTask[],
  ): void {
    const { store, counter, records } = term;
    this.#check(() => {
      assert(store.undecided === 0, 'R2: a region is restored while a pointer write is undecided');
      const index = this.#execution.indexOf(attempt.vertex, attempt.subtask);
      const region = present(this.#execution.regions[this.#execution.subtask(index).region], 'region');
      for (const task of liveTasks) {
        const other = task.deployment.attempt;
        if (region.includes(this.#execution.indexOf(other.vertex, other.subtask))) {
          const isSame = compareGenerations(other.generation, attempt.generation) === 0;
          assert(isSame, `R1: ${attemptId(attempt)} is deployed while ${task.id} lives`);
        }
      }
      assert(
        records.recorded.some((record) => compareGenerations(record.generation, attempt.generation) === 0),
        'R1: the generation is not recorded',
      );
      assert(floor === counter.last || floor >= this.#lastTriggered, 'R10: floor');
      const newest = this.#newestOf(term);
      assert(
        newest === undefined || (restore !== undefined && restore.checkpointId >= newest),
        `I11: restore of ${restore?.checkpointId} behind the commit of ${newest}`,
      );
    });
  }

  /** Whatever may have been announced. */
  #newestOf({ store }: SimulatedTerm): number | undefined {
    return [...store.ever].findLast((id) => this.#exceptions.broken?.has(id) !== true);
  }

  #check(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.violation ??= error;
    }
  }
}
