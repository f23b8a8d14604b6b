import { attemptId, checkpointId, type AttemptId, type JobId } from '../../../foundation/common/ids.ts';
import type { SubtaskState } from '../../state/state-handle.ts';
import { CoordinatorCore } from '../checkpoint-coordinator/coordinator-core.ts';
import type { CoordinatorAction, CoordinatorEvent } from '../checkpoint-coordinator/coordinator-event.ts';
import type { CoordinatorSettings } from '../checkpoint-coordinator/coordinator-options.ts';
import { attemptRefOf } from '../scheduler/deployments.ts';
import { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { operatorIdOf, testGraph } from './test-graph.ts';

export const FOLDER = '/c/j';

/** Two pipelines: subtasks 0, 1 (sources), 2, 3 (sinks). The store and the files answer only when a test says so. */
export class CoordinatorDriver {
  readonly core: CoordinatorCore;
  readonly execution = new ExecutionGraph(
    testGraph(
      [
        { name: 'a', parallelism: 2 },
        { name: 'b', parallelism: 2 },
      ],
      [['a', 'b', 'forward']],
    ),
  );
  nowMs = 0;
  actions: readonly CoordinatorAction[] = [];
  #generation = 0;
  #nextId: number;

  constructor(
    settings: Partial<CoordinatorSettings> = {},
    checkpointFolder: string | null = FOLDER,
    firstDueMs?: number,
    floor = 0,
  ) {
    this.#nextId = floor + 1;
    this.core = new CoordinatorCore({
      jobId: 'j' as JobId,
      execution: this.execution,
      settings: {
        intervalMs: 1_000,
        minPauseMs: 0,
        timeoutMs: 10_000,
        tolerableFailures: 0,
        numRetained: 1,
        ...settings,
      },
      checkpointFolder: checkpointFolder ?? undefined,
      completed: [],
      broken: [],
      firstDueMs,
      floor,
      isStopping: false,
      finished: new Map(),
    });
  }

  attempt(index: number, generation = this.#generation): AttemptId {
    const start = { job: 'j' as JobId, graphVersion: 1, generation: { epoch: 1, number: generation } };
    return attemptId(attemptRefOf(this.execution.subtask(index), start));
  }

  handle(event: CoordinatorEvent): this {
    this.actions = this.core.handle(event, { wallMs: this.nowMs, monotonicMs: this.nowMs });
    return this;
  }

  deployed(indices: readonly number[] = [0, 1, 2, 3], commitOnly: readonly number[] = []): this {
    const generation = { epoch: 1, number: ++this.#generation };
    const tasks = indices.map((index) => ({
      index,
      attempt: this.attempt(index),
      commitOnly: commitOnly.includes(index),
    }));
    return this.handle({ kind: 'deployed', tasks, generation, restored: undefined });
  }

  running(indices: readonly number[] = [0, 1, 2, 3]): this {
    indices.forEach((index) => this.handle({ kind: 'task-running', attempt: this.attempt(index) }));
    return this;
  }

  at(nowMs: number): this {
    this.nowMs = nowMs;
    return this.handle({ kind: 'tick' });
  }

  reserved(): this {
    return this.handle({
      kind: 'id-reserved',
      checkpointId: checkpointId(this.#nextId++),
      enumerators: new Map([[operatorIdOf('a'), { at: this.nowMs }]]),
    });
  }

  ack(id: number, index: number, options: { final?: boolean; attempt?: AttemptId } = {}): this {
    return this.handle({
      kind: 'acknowledged',
      report: {
        kind: 'acknowledge',
        attempt: options.attempt ?? this.attempt(index),
        checkpointId: checkpointId(id),
        state: stateOf(index, id),
        final: options.final ?? false,
        alignmentMs: 0,
        syncMs: 0,
        asyncMs: 0,
        writtenBytes: 10,
      },
    });
  }

  ackAll(id: number, final = false): this {
    [0, 1, 2, 3].forEach((index) => this.ack(id, index, { final }));
    return this;
  }

  written(id: number): this {
    const [write] = this.of('write-metadata');
    return this.handle({
      kind: 'metadata-written',
      checkpointId: checkpointId(id),
      metadata: write!.metadata,
      metadataPath: `${FOLDER}/chk-${id}/_metadata`,
    });
  }

  pointer(id: number, outcome: 'written' | 'not-written' | 'undecided'): this {
    const error = { name: 'Error', message: 'connection lost' };
    const write = outcome === 'written' ? { outcome } : { outcome, error };
    return this.handle({ kind: 'pointer-outcome', checkpointId: checkpointId(id), write });
  }

  /** From the trigger to the end. */
  complete(id: number, final = false): this {
    return this.reserved().ackAll(id, final).written(id).pointer(id, 'written');
  }

  ended(index: number): this {
    return this.handle({ kind: 'task-ended', attempt: this.attempt(index) });
  }

  savepoint(stop: 'no' | 'suspend' | 'drain' = 'no', request = 1): this {
    return this.handle({ kind: 'requested', request: { request, kind: 'savepoint', folder: '/s/sp', stop } });
  }

  of<K extends CoordinatorAction['kind']>(kind: K): Extract<CoordinatorAction, { kind: K }>[] {
    return this.actions.filter((action): action is Extract<CoordinatorAction, { kind: K }> => action.kind === kind);
  }

  get kinds(): readonly string[] {
    return this.actions.filter(({ kind }) => kind !== 'log').map(({ kind }) => kind);
  }
}

export const stateOf = (index: number, id: number): SubtaskState => ({
  [operatorIdOf(index < 2 ? 'a' : 'b')]: {
    keyed: [],
    operatorState: { kind: 'file', path: `chk-${id}/${index}`, sizeBytes: 100, checksum: 0 },
  },
});

export const started = (settings: Partial<CoordinatorSettings> = {}): CoordinatorDriver =>
  new CoordinatorDriver(settings).deployed().running();
