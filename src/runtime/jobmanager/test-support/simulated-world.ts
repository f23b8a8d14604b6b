import type { JobIntent } from '../../../coordination/job-record-store.ts';
import { present } from '../../../foundation/common/assert.ts';
import { messageOf } from '../../../foundation/common/errors.ts';
import { attemptId, type AttemptId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import { seededRandom, type Random } from '../../../foundation/common/random.ts';
import type { EnumeratorFactory } from '../../../pipeline/connectors/source.ts';
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
import type { JobMaster } from '../jobmaster/job-master.ts';
import { ExecutionGraph } from '../scheduler/execution-graph.ts';
import type { RestorePoint } from '../scheduler/restore-plan.ts';
import { ask, type Asked } from './asked.ts';
import { AttemptQueues } from './attempt-queues.ts';
import { SimulatedFiles, type SimulatedCheckpointStore, type SimulatedCounter } from './simulated-stores.ts';
import { SimulatedChannels } from './simulated-channels.ts';
import { SimulatedSlots } from './simulated-slots.ts';
import { SimulatedTaskManagers } from './simulated-task-managers.ts';
import { SimulatedTask } from './simulated-task.ts';
import { withUniqueChannels } from './unique-channels.ts';
import { SimulatedChecks, type CheckExceptions } from './simulated-checks.ts';
import { loseTasks } from './simulated-loss.ts';
import { RARE_LINES, type RareState } from './rare-states.ts';
import { jobIdOf, SimulatedTerm, TASK_MANAGER } from './simulated-term.ts';

export interface WorldOptions extends CheckExceptions {
  readonly seed: number;
  readonly graph: JobGraph;
  readonly taskManagers?: number;
  readonly files?: SimulatedFiles;
  /** Names of transactions that are committed, and what they made visible; shared over the runs of one job. */
  readonly committed?: Map<string, readonly string[]>;
  readonly seen?: Map<RareState, number>;
  /** Of sources that bring one along. */
  readonly ownEnumerator?: EnumeratorFactory | undefined;
  readonly jobId?: string;
  readonly restore?: InitialRestore;
  readonly master?: Partial<JobMasterOptions>;
}

const JOB_FOLDER_ROOT = '/checkpoints';

/**
 * One JobMaster, its stores and its tasks, driven by a seed: it picks which message arrives, which write ends, which task
 * goes a step on, when time passes and what breaks. What must hold after each step is checked here.
 */
export class SimulatedWorld implements TaskExecutorGateway {
  readonly random: Random;
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly files: SimulatedFiles;
  readonly committed: Map<string, readonly string[]>;
  readonly log: string[] = [];
  readonly folder: string;
  /** How often rare states were met. */
  readonly seen: Map<RareState, number>;
  /** Whether things break. */
  faults = true;
  /** Whether TaskManagers without a leader register with the one there is. */
  comeBack = true;
  result: JobResult | undefined;
  /** How often something was deployed. */
  deployments = 0;
  #term: SimulatedTerm;
  readonly #makeTerm: (before: SimulatedTerm | undefined) => SimulatedTerm;
  readonly #taskManagers: SimulatedTaskManagers;
  readonly #slots: SimulatedSlots;
  readonly #execution: ExecutionGraph;
  readonly #checkpointing: boolean;
  readonly #tasks = new Map<AttemptId, SimulatedTask>();
  readonly #channels = new SimulatedChannels();
  readonly #commands = new AttemptQueues<TaskCommand>();
  readonly #reports = new AttemptQueues<TaskReport>();
  readonly #checks: SimulatedChecks;

  constructor(options: WorldOptions) {
    this.random = seededRandom(options.seed);
    this.files = options.files ?? new SimulatedFiles();
    this.seen = options.seen ?? new Map<RareState, number>();
    this.committed = options.committed ?? new Map<string, readonly string[]>();
    const jobId = jobIdOf(options.jobId ?? 'job1');
    this.folder = `${JOB_FOLDER_ROOT}/${jobId}`;
    this.#execution = new ExecutionGraph(options.graph);
    this.#checkpointing = options.graph.checkpointing !== undefined;
    this.#checks = new SimulatedChecks(this.#execution, options);
    const { graph, restore } = options;
    this.#taskManagers = new SimulatedTaskManagers(options.taskManagers ?? 1);
    this.#slots = new SimulatedSlots(this.#taskManagers);
    this.#makeTerm = (before) =>
      new SimulatedTerm({
        epoch: (before?.epoch ?? 0) + 1,
        random: this.random,
        files: this.files,
        folder: this.folder,
        before,
        fault: (probability) => this.fault(probability),
        ownEnumerator: options.ownEnumerator,
        meet: (state) => this.#meet(state),
        master: {
          jobId,
          graph,
          restore,
          executors: (taskManager) =>
            this.#taskManagers.registered.has(taskManager) ? this.#at(taskManager) : undefined,
          slots: this.#slots,
          awaited: (taskManagers) => this.#taskManagers.await(taskManagers),
          clock: this.clock,
          logger: this.#logger(),
          ...options.master,
        },
      });
    this.#term = this.#startTerm(undefined);
  }

  get master(): JobMaster {
    return this.#term.master;
  }

  get store(): SimulatedCheckpointStore {
    return this.#term.store;
  }

  get counter(): SimulatedCounter {
    return this.#term.counter;
  }

  #startTerm(before: SimulatedTerm | undefined): SimulatedTerm {
    const term = this.#makeTerm(before);
    void term.master.result.then((result) => {
      if (!term.isOver) {
        this.result = result;
      }
    });
    return term;
  }

  /** The leader dies at this moment; another reads the stores, and the TaskManager registers with it, sooner or later. */
  changeLeader(): void {
    const before = this.#term;
    this.#meet('leader changed while undecided', this.store.undecided > 0);
    this.#meet('leader changed while restarting', before.master.status === 'RESTARTING');
    before.end();
    before.master.suspend();
    this.result = before.records.result;
    if (this.result !== undefined) {
      return; // whoever leads now only cleans up (R9)
    }
    this.#taskManagers.living.forEach((one) => this.breakConnection(one));
    this.#term = this.#startTerm(before);
    this.#term.master.start();
  }

  /** With the leader a TaskManager dies that ran some of the tasks. */
  loseHost(): void {
    this.changeLeader();
    loseTasks(this.#tasks, () => this.random.int(2) === 0).forEach((attempt) => this.#taskManagers.lost.add(attempt));
  }

  /** One of several TaskManagers dies with all that it runs; another process takes its place. */
  loseTaskManager(): void {
    const dead = this.#taskManagers.someLiving(this.random);
    this.breakConnection(dead);
    this.#taskManagers.die(dead);
    const lost = loseTasks(this.#tasks, (attempt) => this.#taskManagers.placeOf(attempt) === dead);
    lost.forEach((attempt) => this.#taskManagers.lost.add(attempt));
  }

  /** Between a TaskManager and the leader; sooner or later it registers anew. What was on its way is lost; the table knows it. */
  breakConnection(taskManager = this.#taskManagers.someLiving(this.random)): void {
    const isThere = (attempt: AttemptId): boolean => this.#taskManagers.placeOf(attempt) === taskManager;
    this.#commands.attempts.filter(isThere).forEach((attempt) => this.#arriveInPart(attempt));
    this.#reports.attempts.filter(isThere).forEach((attempt) => this.#reports.drop(attempt));
    this.#taskManagers.registered.delete(taskManager);
  }

  /** Of the commands of a lost connection the first ones may have arrived. */
  #arriveInPart(attempt: AttemptId): void {
    let arrived = this.random.int(this.#commands.count(attempt) + 1);
    while (this.#commands.has(attempt)) {
      if (arrived-- > 0) {
        this.#deliverCommand(attempt);
      } else {
        this.#commands.drop(attempt);
      }
    }
  }

  /** It comes to the leader, with its table. */
  register(taskManager: string): void {
    this.#taskManagers.registered.add(taskManager);
    this.master.taskManagerReported(taskManager, this.#taskManagers.reportsOf(taskManager));
    this.#slots.changed();
  }

  #at(taskManager: string): TaskExecutorGateway {
    return {
      deploy: (fence, deployments) => this.deploy(fence, deployments, taskManager),
      command: (fence, attempt, command) => this.command(fence, attempt, command),
    };
  }

  /** What the job's record says is to become of it. */
  get intent(): JobIntent {
    return this.#term.records.intent;
  }

  /** As a client that repeats what was not accepted. */
  cancel(): void {
    const { master } = this;
    master.cancel().catch(() => master === this.master && this.cancel());
  }

  savepointAt(folder: string): RestorePoint {
    const metadataPath = `${folder}/_metadata`;
    return { metadata: present(this.files.metadata.get(metadataPath), metadataPath), baseFolder: folder, metadataPath };
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

  deploy(fence: Fence, deployments: readonly TaskDeployment[], taskManager = TASK_MANAGER): void {
    if (fence.epoch < this.#term.epoch) {
      return; // I2
    }
    deployments.forEach(({ attempt }) => this.#taskManagers.place(attemptId(attempt), taskManager));
    this.deployments += deployments.length;
    this.#start(deployments.map(withUniqueChannels));
  }

  #start(deployments: readonly TaskDeployment[]): void {
    deployments.forEach((deployment) => this.#checks.deployment(this.#term, deployment, this.liveTasks));
    this.#meet('part of the job restarted', deployments.length < this.#execution.subtasks.length);
    for (const deployment of deployments) {
      const { restore, attempt } = deployment;
      this.#meet('region started only to commit', restore?.commitOnly === true);
      const own = this.store.ever.has(restore?.checkpointId ?? 0) && restore?.baseFolder !== this.folder;
      this.#meet('started only to commit after a stop', own && attempt.job === 'job1' && restore?.commitOnly === true);
      this.#taskManagers.ledger.deployed(deployment);
      const task = new SimulatedTask(deployment, {
        random: this.random,
        files: this.files,
        checkpointing: this.#checkpointing,
        report: (report) => this.#reported(report),
        send: (channel, element) => this.#channels.send(channel, element),
        commit: (name, values) => this.#commit(name, values),
        fault: (probability) => this.fault(probability),
      });
      this.#tasks.set(task.id, task);
      this.#channels.started(task);
    }
  }

  command(fence: Fence, attempt: AttemptId, command: TaskCommand): void {
    if (fence.epoch < this.#term.epoch) {
      return; // I2
    }
    this.#checks.command(this.#term, attempt, command);
    this.#meet('task between triggered directly', command.kind === 'trigger' && !attempt.includes('v-source'));
    this.#commands.add(attempt, command);
  }

  /** One thing happens; false when only time can pass. */
  async step(): Promise<boolean> {
    const commands = this.#commands.attempts;
    const reports = this.#reports.attempts;
    const tasks = this.liveTasks;
    const choices = commands.length + reports.length + tasks.length * 2 + this.#term.pendingCount;
    let pick = this.random.int(choices + 1);
    this.#connections();
    let progressed = true;
    if (pick < commands.length) {
      this.#deliverCommand(present(commands[pick], 'attempt'));
    } else if ((pick -= commands.length) < reports.length) {
      this.#deliverReport(present(reports[pick], 'attempt'));
    } else if ((pick -= reports.length) < this.#term.pendingCount) {
      this.#term.carryOut(pick);
    } else if ((pick -= this.#term.pendingCount) < tasks.length * 2) {
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
    if (this.#checks.violation !== undefined) {
      throw new Error(`${messageOf(this.#checks.violation)}\n${this.log.slice(-30).join('\n')}`, {
        cause: this.#checks.violation,
      });
    }
    return progressed;
  }

  #connections(): void {
    const back = this.comeBack ? this.#taskManagers.someAway(this.random) : undefined;
    if (back !== undefined) {
      this.register(back);
    }
    const dead = this.random.int(20) === 0 ? this.#taskManagers.takeDead() : undefined;
    if (dead !== undefined) {
      this.master.taskManagerLost(dead, 'it is dead');
      this.#slots.changed();
    }
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

  ask(request: () => Promise<CompletedCheckpoint>): Asked<CompletedCheckpoint> {
    return ask(request, (why) => this.log.push(`asked in vain: ${why}`));
  }

  #meet(state: RareState, really = true): void {
    if (really) {
      this.seen.set(state, (this.seen.get(state) ?? 0) + 1);
    }
  }

  #commit(name: string, values: readonly string[]): void {
    this.committed.set(name, values);
  }

  #deliverCommand(attempt: AttemptId): void {
    const command = this.#taskManagers.ledger.commanded(attempt, this.#commands.take(attempt));
    const task = present(this.#tasks.get(attempt), 'task');
    if (task.phase !== 'gone') {
      task.command(command);
    } else if (command.kind === 'cancel') {
      this.#reported({ kind: 'state', attempt, state: 'CANCELED' });
    }
  }

  /** The table changes first (R15). Without a leader that is all. */
  #reported(report: TaskReport): void {
    if (this.#taskManagers.ledger.reported(report) && this.#taskManagers.isReached(report.attempt)) {
      this.#reports.add(report.attempt, report);
    }
  }

  /** Now and then it comes again, later (R15). */
  #deliverReport(attempt: AttemptId): void {
    const report = this.#reports.take(attempt);
    this.master.report(report);
    if (this.fault(0.05)) {
      this.#meet('report delivered twice');
      this.#reports.add(attempt, report);
    }
  }

  #logger(): Logger {
    const write = (message: string): void => {
      this.log.push(`${this.clock.monotonic()} ${message}`);
      RARE_LINES.forEach(([pattern, state]) => this.#meet(state, pattern.test(message)));
    };
    return { debug: () => {}, info: write, warn: write, error: write };
  }
}
