import { assert, present } from '../../../foundation/common/assert.ts';
import { messageOf } from '../../../foundation/common/errors.ts';
import { attemptId, type AttemptId, type JobId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import { seededRandom, type Random } from '../../../foundation/common/random.ts';
import type { EnumeratorFactory } from '../../../pipeline/connectors/source.ts';
import { staticSplitsEnumerator } from '../../../pipeline/connectors/static-splits-enumerator.ts';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import type {
  Fence,
  TaskCommand,
  TaskDeployment,
  TaskExecutorGateway,
  TaskReport,
} from '../../protocol/task-commands.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import type { InitialRestore, JobMasterOptions, JobResult } from '../jobmaster/job-master-options.ts';
import { JobMaster } from '../jobmaster/job-master.ts';
import { ExecutionGraph } from '../scheduler/execution-graph.ts';
import {
  SimulatedCheckpointStore,
  SimulatedCounter,
  SimulatedFiles,
  SimulatedRecords,
  SimulatedStorage,
  type Deferrals,
} from './simulated-stores.ts';
import type { Element } from './simulated-surroundings.ts';
import { simulatedUserCode } from './simulated-user-code.ts';
import { SimulatedTask } from './simulated-task.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly graph: JobGraph;
  readonly files?: SimulatedFiles;
  /** Names of transactions that are committed, and what they made visible; shared over the runs of one job. */
  readonly committed?: Map<string, readonly string[]>;
  readonly seen?: Map<RareState, number>;
  readonly jobId?: string;
  readonly restore?: InitialRestore;
  /** That of the source, where it brings one along. */
  readonly ownEnumerator?: EnumeratorFactory | undefined;
  readonly master?: Partial<JobMasterOptions>;
}

/** A state that no seed of a run reached fails the run: nothing was tested there. */
export const RARE_STATES = [
  'pointer undecided',
  'task failed while undecided',
  'metadata refused',
  'declined',
  'part of the job restarted',
  'region started only to commit',
  'started only to commit after a stop',
  'task between triggered directly',
  'report delivered twice',
  'id refused',
  'enumerator died',
  'enumerator silent',
] as const;
export type RareState = (typeof RARE_STATES)[number];

const LOGGED: readonly (readonly [RegExp, RareState])[] = [
  [/is undecided/, 'pointer undecided'],
  [/metadata could not be written/, 'metadata refused'],
  [/ declined: /, 'declined'],
  [/There is no checkpoint id/, 'id refused'],
];

const FENCE: Fence = { lineage: 'l', epoch: 1 };
const JOB_FOLDER_ROOT = '/checkpoints';

/**
 * One JobMaster, its stores and its tasks, driven by a seed: it picks which message arrives, which write ends, which task
 * goes a step on, when time passes and what breaks. What must hold after each step is checked here.
 */
export class SimulatedWorld implements Deferrals, TaskExecutorGateway {
  readonly random: Random;
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly files: SimulatedFiles;
  readonly storage: SimulatedStorage;
  readonly store: SimulatedCheckpointStore;
  readonly counter: SimulatedCounter;
  readonly records: SimulatedRecords;
  readonly committed: Map<string, readonly string[]>;
  readonly master: JobMaster;
  readonly log: string[] = [];
  readonly folder: string;
  /** How often rare states were met. */
  readonly seen: Map<RareState, number>;
  /** Whether things break. */
  faults = true;
  result: JobResult | undefined;
  readonly #execution: ExecutionGraph;
  readonly #checkpointing: boolean;
  readonly #tasks = new Map<AttemptId, SimulatedTask>();
  readonly #consumers = new Map<number, SimulatedTask>();
  /** In flight, by attempt, in order. */
  readonly #commands = new Map<AttemptId, TaskCommand[]>();
  readonly #reports = new Map<AttemptId, TaskReport[]>();
  #deferred: (() => void)[] = [];
  #lastTriggered = 0;
  #violation: unknown;
  readonly #usedChannels = new Set<number>();

  constructor(options: WorldOptions) {
    this.random = seededRandom(options.seed);
    this.files = options.files ?? new SimulatedFiles();
    this.seen = options.seen ?? new Map<RareState, number>();
    this.committed = options.committed ?? new Map<string, readonly string[]>();
    const jobId = options.jobId ?? 'job1';
    this.folder = `${JOB_FOLDER_ROOT}/${jobId}`;
    this.storage = new SimulatedStorage(this.files, this, this.folder);
    this.store = new SimulatedCheckpointStore(this, this.random, this.files);
    this.counter = new SimulatedCounter(this);
    this.records = new SimulatedRecords(this);
    this.#execution = new ExecutionGraph(options.graph);
    this.#checkpointing = options.graph.checkpointing !== undefined;
    this.master = new JobMaster({
      jobId: jobId as JobId,
      graph: options.graph,
      graphVersion: 1,
      program: { modulePath: '/job.js', args: [], env: {}, configuration: {} },
      fence: FENCE,
      slots: Array.from({ length: 64 }, (_, slot) => slot),
      gateway: this,
      clock: this.clock,
      random: this.random,
      logger: this.#logger(),
      storage: this.storage,
      checkpointFolder: this.folder,
      checkpoints: this.store,
      checkpointIds: this.counter,
      records: this.records,
      enumerators: [staticSplitsEnumerator],
      userCode: simulatedUserCode(options.ownEnumerator, this, (what) => this.#meet(what)),
      restore: options.restore,
      restartStrategy: { kind: 'fixed-delay', attempts: 1_000_000, delayMs: 50 },
      failover: 'region',
      ...options.master,
    });
    void this.master.result.then((result) => {
      this.result = result;
    });
  }

  /** What sinks made visible. */
  get output(): readonly string[] {
    return [...this.committed.values()].flat();
  }

  get liveTasks(): readonly SimulatedTask[] {
    return [...this.#tasks.values()].filter(({ phase }) => phase !== 'gone');
  }

  fault(probability: number): boolean {
    return this.faults && this.random.next() < probability;
  }

  later<T>(run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#deferred.push(() => {
        try {
          resolve(run());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  deploy(_fence: Fence, deployments: readonly TaskDeployment[]): void {
    this.#check(() => deployments.forEach((deployment) => this.#checkDeployment(deployment)));
    this.#meet('part of the job restarted', deployments.length < this.#execution.subtasks.length);
    for (const deployment of deployments) {
      const { restore, attempt } = deployment;
      this.#meet('region started only to commit', restore?.commitOnly === true);
      const own = this.store.ever.has(restore?.checkpointId ?? 0) && restore?.baseFolder !== this.folder;
      this.#meet('started only to commit after a stop', own && attempt.job === 'job1' && restore?.commitOnly === true);
      const task = new SimulatedTask(deployment, {
        random: this.random,
        files: this.files,
        checkpointing: this.#checkpointing,
        report: (report) => this.#queue(this.#reports, report.attempt, report),
        send: (channel, element) => this.#send(channel, element),
        commit: (name, values) => this.#commit(name, values),
        fault: (probability) => this.fault(probability),
      });
      this.#tasks.set(task.id, task);
      for (const { channel } of deployment.inputs.flatMap(({ channels }) => channels)) {
        assert(!this.#usedChannels.has(channel), `channel ${channel} is used again`);
        this.#usedChannels.add(channel);
        this.#consumers.set(channel, task);
      }
    }
  }

  command(_fence: Fence, attempt: AttemptId, command: TaskCommand): void {
    this.#check(() => this.#checkCommand(attempt, command));
    this.#queue(this.#commands, attempt, command);
  }

  /** One thing happens; false when only time can pass. */
  async step(): Promise<boolean> {
    const commands = [...this.#commands.keys()];
    const reports = [...this.#reports.keys()];
    const tasks = this.liveTasks;
    const choices = commands.length + reports.length + tasks.length * 2 + this.#deferred.length;
    let pick = this.random.int(choices + 1);
    let progressed = true;
    if (pick < commands.length) {
      this.#deliverCommand(present(commands[pick], 'attempt'));
    } else if ((pick -= commands.length) < reports.length) {
      this.#deliverReport(present(reports[pick], 'attempt'));
    } else if ((pick -= reports.length) < this.#deferred.length) {
      this.#deferred.splice(pick, 1)[0]?.();
    } else if ((pick -= this.#deferred.length) < tasks.length * 2) {
      const task = present(tasks[pick >> 1], 'task');
      if (this.fault(0.0008)) {
        this.#meet('task failed while undecided', this.store.undecided > 0);
        task.fail('user code threw');
      } else {
        progressed = task.step();
      }
    } else {
      progressed = false;
    }
    if (!progressed || this.random.int(10) === 0) {
      this.clock.advanceBy(1 + this.random.int(20));
    }
    for (let turn = 0; turn < 12; turn++) {
      await Promise.resolve();
    }
    if (this.#violation !== undefined) {
      throw new Error(`${messageOf(this.#violation)}\n${this.log.slice(-30).join('\n')}`, { cause: this.#violation });
    }
    return progressed;
  }

  /** Runs until the job has ended or `steps` are over. */
  async run(steps: number, until: () => boolean = () => this.result !== undefined): Promise<void> {
    for (let step = 0; step < steps && !until(); step++) {
      await this.step();
    }
  }

  /** Faults are over: the job has to end. */
  async finish(): Promise<JobResult> {
    this.faults = false;
    await this.run(300_000);
    if (this.result === undefined) {
      const states = this.master.overview.tasks.map(({ name, subtask, state }) => `${name}/${subtask} ${state}`);
      throw new Error(
        `I8: the job did not end: ${this.master.status}\n${states.join('\n')}\n${this.log.slice(-20).join('\n')}`,
      );
    }
    return this.result;
  }

  /** A savepoint or checkpoint that is asked for; `undefined` when it failed. */
  ask(request: () => Promise<CompletedCheckpoint>): { done: boolean; checkpoint: CompletedCheckpoint | undefined } {
    const asked: { done: boolean; checkpoint: CompletedCheckpoint | undefined } = {
      done: false,
      checkpoint: undefined,
    };
    request().then(
      (checkpoint) => {
        asked.done = true;
        asked.checkpoint = checkpoint;
      },
      (error: unknown) => {
        asked.done = true;
        this.log.push(`asked in vain: ${messageOf(error)}`);
      },
    );
    return asked;
  }

  /** Whatever may have been announced. */
  get #newestCheckpoint(): number | undefined {
    return [...this.store.ever].at(-1);
  }

  #checkCommand(attempt: AttemptId, command: TaskCommand): void {
    assert(this.#tasks.has(attempt), `command to an attempt that was never deployed: ${attempt}`);
    if (command.kind === 'trigger') {
      const { checkpointId, base } = command.trigger;
      assert(checkpointId >= this.#lastTriggered, `I5: trigger ${checkpointId} after ${this.#lastTriggered}`);
      assert(checkpointId <= this.counter.last, `R10: trigger ${checkpointId} before its id is in the store`);
      assert(base === this.#newestCheckpoint, `R6: base ${base} is not the newest, ${this.#newestCheckpoint}`);
      this.#lastTriggered = checkpointId;
      this.#meet('task between triggered directly', !attempt.includes('v-source'));
    }
    if (command.kind === 'completed') {
      assert(this.store.undecided === 0, `R2: ${command.checkpointId} is announced while its pointer is undecided`);
      assert(this.store.ever.has(command.checkpointId), `I4: ${command.checkpointId} is announced before its pointer`);
    }
  }

  #meet(state: RareState, really = true): void {
    if (really) {
      this.seen.set(state, (this.seen.get(state) ?? 0) + 1);
    }
  }

  /** Thrown by the step in which it happened, not into the code under test. */
  #check(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#violation ??= error;
    }
  }

  #checkDeployment({ attempt, restore, floor }: TaskDeployment): void {
    assert(this.store.undecided === 0, 'R2: a region is restored while a pointer write is undecided');
    const index = this.#execution.indexOf(attempt.vertex, attempt.subtask);
    const region = present(this.#execution.regions[this.#execution.subtask(index).region], 'region');
    const generation = `${attempt.generation.epoch}.${attempt.generation.number}`;
    for (const task of this.liveTasks) {
      const other = task.deployment.attempt;
      if (region.includes(this.#execution.indexOf(other.vertex, other.subtask))) {
        const same = `${other.generation.epoch}.${other.generation.number}` === generation;
        assert(same, `R1: ${attemptId(attempt)} is deployed while ${task.id} lives`);
      }
    }
    assert(
      this.records.generations.some((record) => record.generation.number === attempt.generation.number),
      'R1: the generation is not recorded',
    );
    assert(floor === this.counter.last || floor >= this.#lastTriggered, 'R10: floor');
    const newest = this.#newestCheckpoint;
    assert(
      newest === undefined || (restore !== undefined && restore.checkpointId >= newest),
      `I11: restore of ${restore?.checkpointId} behind the commit of ${newest}`,
    );
  }

  #send(channel: number, element: Element): void {
    this.#consumers.get(channel)?.receive(channel, element);
  }

  #commit(name: string, values: readonly string[]): void {
    this.committed.set(name, values);
  }

  #queue<T>(queues: Map<AttemptId, T[]>, attempt: AttemptId, item: T): void {
    const queue = queues.get(attempt);
    if (queue === undefined) {
      queues.set(attempt, [item]);
    } else {
      queue.push(item);
    }
  }

  #shift<T>(queues: Map<AttemptId, T[]>, attempt: AttemptId): T {
    const queue = present(queues.get(attempt), 'queue');
    const item = present(queue.shift(), 'item');
    if (queue.length === 0) {
      queues.delete(attempt);
    }
    return item;
  }

  #deliverCommand(attempt: AttemptId): void {
    const command = this.#shift(this.#commands, attempt);
    const task = present(this.#tasks.get(attempt), 'task');
    if (task.phase !== 'gone') {
      task.command(command);
    } else if (command.kind === 'cancel') {
      this.#queue(this.#reports, attempt, { kind: 'state', attempt, state: 'CANCELED' });
    }
  }

  /** Now and then it comes again, later (R15). */
  #deliverReport(attempt: AttemptId): void {
    const report = this.#shift(this.#reports, attempt);
    this.master.report(report);
    if (this.fault(0.05)) {
      this.#meet('report delivered twice');
      this.#queue(this.#reports, attempt, report);
    }
  }

  #logger(): Logger {
    const write = (message: string): void => {
      this.log.push(`${this.clock.monotonic()} ${message}`);
      LOGGED.forEach(([pattern, state]) => this.#meet(state, pattern.test(message)));
    };
    return { debug: () => {}, info: write, warn: write, error: write };
  }
}
