import { attemptId, type JobId } from '../../../src/foundation/common/ids.ts';
import { seededRandom } from '../../../src/foundation/common/random.ts';
import { isTerminal } from '../../../src/runtime/taskmanager/attempt-ledger.ts';
import { Faults, FAULTS, type Fault } from './faults.ts';
import { Invariants } from './invariants.ts';
import type { TaskObserver } from './observed-tasks.ts';
import { Points, POINTS, type Point } from './points.ts';
import { KEYS, recordOf, simulatedJob, timerOf } from './simulated-job.ts';
import { StoreShadow } from './store-shadow.ts';
import type { TaskManagerProcess } from './task-manager-process.ts';
import type { TransactionLog } from './transaction-log.ts';
import { Weather } from './weather.ts';
import { World } from './world.ts';

/** What a schedule came to; it counts where each number is large enough. */
export interface Outcome {
  readonly seed: number;
  readonly virtualMs: number;
  readonly events: number;
  readonly checkpoints: number;
  readonly faults: number;
  readonly messages: number;
  readonly leaderChanges: number;
  /** `fault @ point`: how often it struck there. */
  readonly struck: ReadonlyMap<string, number>;
  readonly violation: unknown;
  readonly trace: readonly string[];
}

const JOB = 'a'.repeat(32) as JobId;
const RECORDS = 400;
const RATE = 8;
const INTERVAL_MS = 4_000;
const FAULTS_FROM_MS = 3_000;
const FAULTS_UNTIL_MS = 45_000;
const FAULTS_MAX = 5;
/** I8: lease and heartbeat, reconcile timeout, restart delay, interval and timeout of a checkpoint. */
const PROGRESS_MS = 400_000;
const LOOK_MS = 500;

/** One run of the small world, from its seed. */
export const play = async (seed: number): Promise<Outcome> => {
  const schedule = new Schedule(seed);
  let violation: unknown;
  try {
    await schedule.run();
  } catch (thrown) {
    violation = thrown;
  }
  return schedule.outcome(violation);
};

class Schedule {
  readonly #seed: number;
  readonly #random;
  readonly #weather: Weather;
  readonly #points = new Points();
  readonly #world: World;
  readonly #store: StoreShadow;
  readonly #invariants: Invariants;
  readonly #faults: Faults;
  readonly #struck = new Map<string, number>();
  readonly #acknowledged = new Map<number, number>();
  #checkpoints = 0;
  #messages = 0;
  #leaderChanges = 0;
  #count = 0;
  #throwing = 0;

  constructor(seed: number) {
    this.#seed = seed;
    const random = seededRandom(seed);
    this.#random = random;
    this.#weather = new Weather(seededRandom(seed + 3));
    const weather = this.#weather;
    this.#world = new World({
      seed,
      slots: 2,
      networkDelayMs: (delays) => weather.networkDelayMs(delays),
      weather,
      outcomeOfLogCall: () => weather.outcomeOfLogCall(),
      skewMs: (skews) => Math.round((skews.next() - 0.5) * 4_000),
      observerOf: (taskManager) => this.#observer(taskManager),
      changed: ({ call, path }) => {
        if (call === 'link' && path.includes('/ha-store/')) {
          void this.#store.linked(path);
        } else if (path.endsWith('/_metadata') && call !== 'removeFile') {
          this.#points.pass('file written');
        }
      },
      observe: () => this.#invariants.afterStep(),
      said: (_process, message) => this.#said(message),
    });
    this.#store = new StoreShadow(this.#world.disk);
    this.#invariants = new Invariants(
      this.#store,
      this.#world.log,
      recordsAs(recordOf),
      recordsAs(timerOf),
      (instanceId, attempt) =>
        this.#world.taskManagers.some(
          ({ instanceId: id, tasks }) =>
            id === instanceId &&
            tasks.reports.some((one) => attemptId(one.attempt) === attempt && !isTerminal(one.state)),
        ),
    );
    this.#faults = new Faults({
      world: this.#world,
      weather,
      random,
      userCodeThrows: () => {
        this.#throwing++;
      },
    });
  }

  async run(): Promise<void> {
    const world = this.#world;
    ['jm1', 'jm2', 'jm3'].forEach((name) => world.startJobManager(name));
    ['tm1', 'tm2'].forEach((name) => world.startTaskManager(name));
    this.#plan();
    const job = { isAccepted: false, hasEnded: false };
    const submission = world.submission(this.#job(world.log), JOB);
    const startMs = world.time.monotonic();
    while (!job.hasEnded || world.time.monotonic() - startMs < FAULTS_UNTIL_MS) {
      await world.run(LOOK_MS);
      const gateway = world.leader?.process.isPaused === false ? world.leader.jobManager : undefined;
      if (gateway !== undefined && !job.isAccepted) {
        gateway.submit(submission).then(
          () => {
            job.isAccepted = true;
          },
          () => {},
        );
      } else if (gateway !== undefined) {
        gateway.details(JOB).then(
          ({ state }) => {
            job.hasEnded = state === 'FINISHED' || state === 'FAILED' || state === 'CANCELED';
          },
          () => {},
        );
      }
      const passedMs = world.time.monotonic() - startMs;
      if (passedMs >= FAULTS_UNTIL_MS) {
        this.#points.clear();
        this.#weather.clear();
        this.#faults.mendAll();
      }
      if (passedMs > PROGRESS_MS) {
        throw new Error(`I8: the job has not ended after ${PROGRESS_MS} ms`);
      }
    }
    await world.run(LOOK_MS);
    this.#invariants.atTheEnd();
  }

  outcome(violation: unknown): Outcome {
    return {
      seed: this.#seed,
      virtualMs: this.#world.time.monotonic() - 1_700_000_000_000,
      events: this.#world.time.count,
      checkpoints: this.#checkpoints,
      faults: this.#count,
      messages: this.#messages,
      leaderChanges: this.#leaderChanges,
      struck: this.#struck,
      violation,
      trace: this.#world.trace,
    };
  }

  /** Some faults strike at a time, some at a point. */
  #plan(): void {
    const faults = 2 + this.#random.int(FAULTS_MAX - 1);
    for (let index = 0; index < faults; index++) {
      const fault = FAULTS[this.#random.int(FAULTS.length)]!;
      const atMs = FAULTS_FROM_MS + this.#random.next() * (FAULTS_UNTIL_MS - FAULTS_FROM_MS);
      if (this.#random.int(2) === 0) {
        this.#world.time.after(atMs, () => this.#strike(fault, 'any time'));
      } else {
        const point = POINTS[this.#random.int(POINTS.length)]!;
        const skipped = this.#random.int(6);
        this.#world.time.after(this.#random.next() * atMs, () =>
          this.#points.strikeAt(point, skipped, () => this.#strike(fault, point)),
        );
      }
    }
  }

  #strike(fault: Fault, point: Point | 'any time'): void {
    this.#count++;
    const cell = `${fault} @ ${point}`;
    this.#struck.set(cell, (this.#struck.get(cell) ?? 0) + 1);
    this.#world.trace.push(`${(this.#world.time.now() - 1_700_000_000_000).toFixed(1)} --- ${cell}`);
    this.#faults.strike(fault);
  }

  #job(log: TransactionLog): ReturnType<typeof simulatedJob> {
    return simulatedJob({
      name: 'counted',
      log,
      parallelism: 2,
      splits: 8,
      records: RECORDS,
      rate: RATE,
      intervalMs: INTERVAL_MS,
      trap: () => {
        if (this.#throwing > 0) {
          this.#throwing--;
          throw new Error('user code threw');
        }
      },
    });
  }

  #said(message: string): void {
    if (message.includes('was granted leadership')) {
      this.#leaderChanges++;
      this.#points.pass('reconciling');
    } else if (message.startsWith('Completed checkpoint')) {
      this.#checkpoints++;
      this.#points.pass('pointer written');
    }
  }

  #observer({ instanceId }: TaskManagerProcess): TaskObserver {
    return {
      deployed: (fence, deployment) => {
        this.#messages++;
        this.#invariants.taken(instanceId, fence);
        this.#invariants.deployed(instanceId, deployment);
        this.#points.pass(deployment.restore === undefined ? 'deploying' : 'restoring');
      },
      commanded: (fence, attempt, command) => {
        this.#messages++;
        this.#invariants.taken(instanceId, fence);
        this.#invariants.commanded(attempt, command);
        if (command.kind === 'trigger') {
          this.#points.pass('triggered');
        } else if (command.kind === 'completed') {
          this.#points.pass('commit sent');
        } else if (command.kind === 'cancel') {
          this.#points.pass('cancelling');
        }
      },
      reported: (report) => {
        this.#messages++;
        if (report.kind === 'acknowledge') {
          const count = (this.#acknowledged.get(report.checkpointId) ?? 0) + 1;
          this.#acknowledged.set(report.checkpointId, count);
          if (count === 3) {
            this.#points.pass('partly acknowledged');
          }
        } else if (report.kind === 'state' && ['FINISHED', 'CANCELED', 'FAILED'].includes(report.state)) {
          this.#points.pass('finishing');
        }
      },
    };
  }
}

const recordsAs = (textOf: (key: number, place: number) => string): ReadonlySet<string> =>
  new Set(Array.from({ length: RECORDS }, (_, n) => textOf(n % KEYS, Math.floor(n / KEYS) + 1)));
