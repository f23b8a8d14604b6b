import { present } from '../../../foundation/common/assert.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import {
  attemptId,
  compareGenerations,
  type AttemptId,
  type AttemptRef,
  type Generation,
} from '../../../foundation/common/ids.ts';
import { attemptRefOf } from '../scheduler/deployments.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { AttemptTable } from './attempt-table.ts';
import type { Execution } from './execution.ts';
import type { JobAction } from './job-event.ts';
import { NOT_REPORTED } from './job-failure.ts';
import { newRegion, type Region } from './region.ts';

export interface RegionTableOptions {
  readonly job: AttemptRef['job'];
  readonly graphVersion: number;
  readonly execution: ExecutionGraph;
  readonly emit: (action: JobAction) => void;
}

/** The regions of a job with their attempts: what is live, what starts, what is told to end. */
export class RegionTable {
  readonly attempts: AttemptTable;
  readonly regions: readonly Region[];
  /** No region starts before all are down. */
  startsTogether = false;
  readonly #options: RegionTableOptions;
  /** Whose end the newest checkpoint covers. */
  readonly #covered = new Set<number>();
  /** Of those the ones that nobody reported. */
  readonly #unreported = new Set<number>();

  constructor(options: RegionTableOptions) {
    this.#options = options;
    this.attempts = new AttemptTable(options.execution);
    this.regions = options.execution.regions.map(newRegion);
  }

  of(execution: Execution): Region {
    return present(this.regions[execution.subtask.region], 'region');
  }

  /** Something still runs that was given up: the region whose subtask it is does not start before it ended. */
  strayOf(attempt: AttemptRef): void {
    const { execution, graphVersion } = this.#options;
    if (attempt.graphVersion !== graphVersion) {
      return this.block([attemptId(attempt)]);
    }
    const isIts = (index: number): boolean => {
      const { vertex, subtask } = execution.subtask(index);
      return vertex.id === attempt.vertex && subtask === attempt.subtask;
    };
    this.regions.find(({ subtasks }) => subtasks.some(isIts))?.strays.add(attemptId(attempt));
  }

  /** Of another version of the graph: what they read and write may be any region's. Nothing starts before they ended. */
  block(attempts: readonly AttemptId[]): void {
    for (const region of attempts.length === 0 ? [] : this.regions) {
      attempts.forEach((attempt) => region.strays.add(attempt));
      region.phase = region.phase === 'waiting' ? 'cancelling' : region.phase;
    }
  }

  /** Something of it may still run. */
  isLive({ subtasks, strays }: Region): boolean {
    return strays.size > 0 || subtasks.some((index) => this.attempts.at(index).isLive);
  }

  get someLive(): boolean {
    return this.attempts.someLive || this.regions.some(({ strays }) => strays.size > 0);
  }

  /** Those that may start when their time has come. */
  get waiting(): readonly Region[] {
    const waiting = this.regions.filter(({ phase }) => phase === 'waiting');
    return this.startsTogether && waiting.length < this.regions.length ? [] : waiting;
  }

  /** Every region runs or has finished. */
  get allStarted(): boolean {
    return this.regions.every(({ phase }) => phase === 'deployed' || phase === 'finished');
  }

  get allFinished(): boolean {
    return this.regions.every(({ phase }) => phase === 'finished');
  }

  /**
   * A leader before this one started it as this generation; returns the attempts that may run. `covered`: subtasks that have
   * finished, as far as nobody reports them (R11); a region of such alone is not waited for.
   */
  expect(number: number, generation: Generation, covered: ReadonlySet<number>): AttemptId[] {
    const region = present(this.regions[number], `region ${number}`);
    region.phase = 'reconciling';
    region.generation = generation;
    const attempts = [...this.#attemptsOf([region], generation)];
    attempts.forEach(([index, attempt]) => this.attempts.expect(index, attempt));
    region.subtasks.filter((index) => covered.has(index)).forEach((index) => this.#covered.add(index));
    if (region.subtasks.every((index) => covered.has(index))) {
      region.subtasks.forEach((index) => this.giveUp(this.attempts.at(index), true));
      return [];
    }
    return attempts.map(([, attempt]) => attemptId(attempt));
  }

  /** Whether all attempts of the region are among these. */
  isOf({ subtasks }: Region, attempts: ReadonlySet<AttemptId>): boolean {
    return subtasks.every((index) => {
      const { id } = this.attempts.at(index);
      return id !== undefined && attempts.has(id);
    });
  }

  /** Nobody reports it. `goesOn`: the job does. Returns its region. */
  giveUp(execution: Execution, goesOn: boolean): Region {
    const { state: from } = execution;
    const { index } = execution.subtask;
    const region = this.of(execution);
    const hasFinished = region.phase === 'reconciling' && this.#covered.has(index);
    const to = hasFinished ? 'FINISHED' : goesOn ? 'FAILED' : 'CANCELED';
    execution.moveTo(to);
    if (hasFinished) {
      this.#unreported.add(index);
    }
    const error = to === 'FAILED' ? { error: NOT_REPORTED } : {};
    this.#options.emit({ kind: 'task-switched', index, from, to, ...error });
    return region;
  }

  /** Whether every subtask of a reconciling region is accounted for (R11), and none has failed: it goes on as it is. */
  adoptIfWhole(region: Region): boolean {
    const { subtasks, phase, generation } = region;
    if (phase !== 'reconciling' || subtasks.some((index) => !this.attempts.at(index).isAccountedFor)) {
      return false;
    }
    region.phase = 'deployed';
    const unreported = subtasks.filter((index) => this.#unreported.has(index)).length;
    this.#options.emit({ kind: 'adopt', indices: subtasks, unreported, generation: present(generation, 'generation') });
    return true;
  }

  /** Tells the attempts of these regions to end, once. */
  cancel(regions: readonly Region[], error: ErrorInfo): void {
    const { emit } = this.#options;
    const failing: number[] = [];
    const attempts: AttemptId[] = [];
    for (const region of regions) {
      failing.push(...region.subtasks);
      for (const index of region.subtasks) {
        const execution = this.attempts.at(index);
        const from = execution.state;
        if (execution.isLive && execution.moveTo('CANCELING')) {
          attempts.push(present(execution.id, 'attempt'));
          emit({ kind: 'task-switched', index, from, to: 'CANCELING' });
        }
      }
      region.phase = this.isLive(region) ? 'cancelling' : 'waiting';
    }
    emit({ kind: 'tasks-failing', indices: failing, error });
    if (attempts.length > 0) {
      emit({ kind: 'cancel-tasks', attempts });
    }
  }

  /** The regions whose restart is due become this generation, which is to be recorded (R1). */
  record(due: readonly Region[], generation: Generation, commitOnly: boolean): void {
    for (const region of due) {
      region.phase = 'recording';
      region.generation = generation;
    }
    const attempts = this.#attemptsOf(due, generation);
    this.#options.emit({ kind: 'record-generation', start: { generation, attempts, commitOnly } });
  }

  /**
   * The generation is recorded. Regions that failed again meanwhile are left out, and those of which something turned up
   * that still runs (R1): they get a later one.
   */
  deploy(generation: Generation, commitOnly: boolean): void {
    const recorded = this.regions.filter(
      (region) =>
        region.phase === 'recording' &&
        region.generation !== undefined &&
        compareGenerations(region.generation, generation) === 0,
    );
    const regions = recorded.filter((region) => !this.isLive(region));
    recorded.filter((region) => this.isLive(region)).forEach((region) => (region.phase = 'cancelling'));
    if (regions.length === 0) {
      return;
    }
    this.startsTogether = false;
    const { emit } = this.#options;
    const attempts = this.#attemptsOf(regions, generation);
    for (const [index, attempt] of attempts) {
      const from = this.attempts.at(index).state;
      this.attempts.deploy(index, attempt);
      emit({ kind: 'task-switched', index, from, to: 'DEPLOYING' });
    }
    for (const region of regions) {
      region.phase = 'deployed';
    }
    emit({ kind: 'deploy', start: { generation, attempts, commitOnly } });
  }

  #attemptsOf(regions: readonly Region[], generation: Generation): ReadonlyMap<number, AttemptRef> {
    const { job, graphVersion, execution } = this.#options;
    const indices = regions.flatMap(({ subtasks }) => subtasks).sort((a, b) => a - b);
    return new Map(
      indices.map((index) => [index, attemptRefOf(execution.subtask(index), { job, graphVersion, generation })]),
    );
  }
}
