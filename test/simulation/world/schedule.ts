import { attemptId, type JobId } from '../../../src/foundation/common/ids.ts';
import { seededRandom } from '../../../src/foundation/common/random.ts';
import type { JobState, JobSubmission } from '../../../src/runtime/jobmanager/dispatcher/cluster-gateway.ts';
import { isTerminal } from '../../../src/runtime/taskmanager/attempt-ledger.ts';
import { Client } from './client.ts';
import { Continuity } from './continuity.ts';
import { Faults } from './faults.ts';
import { Invariants } from './invariants.ts';
import { live } from './lives.ts';
import type { TaskObserver } from './observed-tasks.ts';
import {
  FAULTS_UNTIL_MS,
  faultText,
  NOTHING_OMITTED,
  planOf,
  type Omission,
  type Plan,
  type PlannedFault,
} from './plan.ts';
import { Points, type Point } from './points.ts';
import { RareStates, type RareState } from './rare-states.ts';
import { allOutputOf, requiredOutputOf, simulatedJob } from './simulated-job.ts';
import { MAIN, RATE, RESUMED, WORLD_SIZES, type Size, type WorldName, type WorldSize } from './sizes.ts';
import { StoreShadow } from './store-shadow.ts';
import type { TaskManagerProcess } from './task-manager-process.ts';
import type { TraceLine } from './trace.ts';
import { Violation } from './violation.ts';
import { Weather } from './weather.ts';
import { World } from './world.ts';

/** What a schedule came to; it counts where each number is large enough. */
export interface Outcome {
  readonly seed: number;
  readonly world: WorldName;
  readonly virtualMs: number;
  readonly events: number;
  readonly checkpoints: number;
  readonly faults: number;
  readonly messages: number;
  readonly leaderChanges: number;
  /** `fault @ point`: how often it struck there. */
  readonly struck: ReadonlyMap<string, number>;
  readonly rare: ReadonlyMap<RareState, number>;
  /** What it was to do, as a person reads it. */
  readonly plan: readonly string[];
  readonly violation: { readonly invariant: string; readonly message: string } | undefined;
  readonly trace: readonly TraceLine[];
}

/** A schedule is at least so long. */
const LENGTH_MS = 60_000;
/** I8: lease and heartbeat, reconcile timeout, restart delay, interval and timeout of a checkpoint. */
const PROGRESS_MS = 400_000;
const LOOK_MS = 500;

/** One run of a world, from its seed. */
export const play = async (
  seed: number,
  world: WorldName = 'small',
  omitted: Omission = NOTHING_OMITTED,
): Promise<Outcome> => {
  const schedule = new Schedule(seed, world, omitted);
  try {
    await schedule.run();
    return schedule.outcome(undefined);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return schedule.outcome({ invariant: thrown instanceof Violation ? thrown.invariant : 'crash', message });
  }
};

class Schedule {
  readonly #seed: number;
  readonly #name: WorldName;
  readonly #size: WorldSize;
  readonly #plan: Plan;
  readonly #weather: Weather;
  readonly #points = new Points();
  readonly #world: World;
  readonly #store: StoreShadow;
  readonly #invariants: Invariants;
  readonly #continuity = new Continuity();
  readonly #rare: RareStates;
  readonly #faults: Faults;
  readonly #struck = new Map<string, number>();
  readonly #acknowledged = new Map<string, number>();
  readonly #saved: string[] = [];
  #checkpoints = 0;
  #messages = 0;
  #leaderChanges = 0;
  #count = 0;
  #throwing = 0;

  constructor(seed: number, name: WorldName, omitted: Omission) {
    this.#seed = seed;
    this.#name = name;
    this.#size = WORLD_SIZES[name];
    this.#plan = without(planOf(seed), omitted);
    this.#weather = new Weather(seededRandom(seed + 3));
    const weather = this.#weather;
    this.#world = new World({
      seed,
      slots: 2,
      networkDelayMs: (delays) => {
        this.#messages++;
        return weather.networkDelayMs(delays);
      },
      weather,
      outcomeOfLogCall: () => weather.outcomeOfLogCall(),
      skewMs: (skews) => Math.round((skews.next() - 0.5) * 4_000),
      observerOf: (taskManager) => this.#observer(taskManager),
      changed: (change) => {
        this.#rare.changed(change);
        const { call, path } = change;
        if (call === 'link' && path.includes('/ha-store/')) {
          void this.#store.linked(path);
        } else if (call === 'removeFile' || call === 'removeTree') {
          this.#invariants.removed(path);
        } else if (path.endsWith('/_metadata')) {
          this.#points.pass('file written');
        }
      },
      observe: () => this.#invariants.afterStep(),
      said: (_process, message) => this.#said(message),
    });
    this.#store = new StoreShadow(this.#world.disk, {
      unpointed: () => this.#points.pass('pointer deleted'),
      dangling: (path) => this.#invariants.violate('I3', `the store points to ${path}, which does not exist`),
      differs: (what) => this.#invariants.violate('I1', what),
    });
    this.#rare = new RareStates(this.#store);
    this.#invariants = new Invariants(
      this.#store,
      this.#world.log,
      new Set([MAIN, ...this.#size.others].flatMap(({ name: job, records }) => allOutputOf(job, records))),
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
      userCodeThrows: () => {
        this.#throwing++;
      },
    });
  }

  async run(): Promise<void> {
    const world = this.#world;
    ['jm1', 'jm2', 'jm3'].forEach((name) => world.startJobManager(name));
    this.#size.taskManagers.forEach((name) => world.startTaskManager(name));
    this.#plan.faults.forEach((fault) => this.#await(fault));
    const lives = this.#lives();
    let isMended = false;
    while (!lives.areOver() || world.elapsedMs < LENGTH_MS) {
      await world.run(LOOK_MS);
      if (world.elapsedMs >= FAULTS_UNTIL_MS && !isMended) {
        isMended = true;
        this.#points.clear();
        this.#weather.clear();
        this.#faults.mendAll();
      }
      if (world.elapsedMs > PROGRESS_MS) {
        throw new Violation('I8', `not all jobs have ended after ${PROGRESS_MS} ms`);
      }
    }
    await world.run(LOOK_MS);
    const ends = await lives.ends();
    const cancelled = ends.filter(({ state }) => state === 'CANCELED').map(({ size }) => size);
    const required = ends.filter(({ size }) => !cancelled.includes(size)).map(({ size }) => size);
    this.#invariants.atTheEnd(
      required.flatMap(({ name, records }) => requiredOutputOf(name, records)),
      cancelled.map(({ jobId }) => jobId),
    );
    for (const folder of this.#saved) {
      await world.disk.stat(`${folder.replace(/^memory:\/\//, '')}/_metadata`).catch(() => {
        throw new Violation('I12', `the savepoint ${folder} is gone`);
      });
    }
    this.#rare.falseAlarms(world.leader?.jobManager?.leader?.falseAlarms ?? 0);
  }

  outcome(violation: Outcome['violation']): Outcome {
    const { life, askedAfterMs, faults } = this.#plan;
    return {
      seed: this.#seed,
      world: this.#name,
      virtualMs: this.#world.elapsedMs,
      events: this.#world.time.count,
      checkpoints: this.#checkpoints,
      faults: this.#count,
      messages: this.#messages,
      leaderChanges: this.#leaderChanges,
      struck: this.#struck,
      rare: this.#rare.counts,
      plan: [`the job is ${life}, ${(askedAfterMs / 1_000).toFixed(1)} s after it runs`, ...faults.map(faultText)],
      violation,
      trace: this.#world.trace,
    };
  }

  /** Users, and their jobs. */
  #lives(): { areOver(): boolean; ends(): Promise<readonly { readonly size: Size; readonly state: JobState }[]> } {
    const { life, askedAfterMs, otherAtMs } = this.#plan;
    const common = {
      resumedId: RESUMED,
      ended: (id: JobId, state: JobState): void => this.#invariants.ended(id, state),
      cancelled: (id: JobId): void => this.#invariants.cancelled(id, requiredOutputOf(MAIN.name, MAIN.records)),
      saved: (folder: string): void => void this.#saved.push(folder),
      pass: (point: Point): void => {
        if (point !== 'submitting') {
          this.#continuity.asked();
        }
        this.#points.pass(point);
      },
    };
    const others = otherAtMs === undefined ? [] : this.#size.others;
    const users = [MAIN, ...others].map(async (size, index) => {
      const client = new Client(this.#world, seededRandom(this.#seed * 10 + index));
      await client.wait(index * (otherAtMs ?? 0));
      const submission = (id: JobId, restore?: string): JobSubmission => this.#submission(size, id, restore);
      const own = size === MAIN ? { life, askedAfterMs } : { life: 'left alone' as const, askedAfterMs: 0 };
      return { size, state: await live(client, { ...common, ...own, jobId: size.jobId, submission }) };
    });
    const over = Promise.all(users);
    let areOver = false;
    let failure: unknown;
    over.then(
      () => {
        areOver = true;
      },
      (thrown: unknown) => {
        areOver = true;
        failure = thrown;
      },
    );
    return {
      areOver: () => {
        if (failure !== undefined) {
          throw failure;
        }
        return areOver;
      },
      ends: () => over,
    };
  }

  #await(planned: PlannedFault): void {
    const { point, skipped, fromMs, atMs } = planned;
    const { time } = this.#world;
    let remove: (() => void) | undefined;
    let hasStruck = false;
    const strike = (where: Point | 'any time') => (): void => {
      if (!hasStruck) {
        hasStruck = true;
        remove?.();
        this.#strike(planned, where);
      }
    };
    if (point !== undefined) {
      time.after(fromMs, () => {
        remove = this.#points.strikeAt(point, skipped, strike(point));
      });
    }
    time.after(atMs, strike('any time'));
  }

  #strike({ fault, random }: PlannedFault, point: Point | 'any time'): void {
    this.#world.note('', '', `${fault} @ ${point}`);
    if (this.#faults.strike(fault, random)) {
      this.#count++;
      this.#continuity.struck(fault);
      if (fault === 'all lose power') {
        void this.#store.lostPower();
      }
      const cell = `${fault} @ ${point}`;
      this.#struck.set(cell, (this.#struck.get(cell) ?? 0) + 1);
    }
  }

  #submission(size: Size, jobId: JobId, restore: string | undefined): JobSubmission {
    const { name, parallelism, splits, records, intervalMs } = size;
    const definition = simulatedJob({
      name,
      log: this.#world.log,
      parallelism,
      splits,
      records,
      rate: RATE,
      intervalMs,
      trap: () => {
        if (this.#throwing > 0) {
          this.#throwing--;
          throw new Error('user code threw');
        }
      },
    });
    return this.#world.submission(definition, jobId, {
      'execution.checkpointing.num-retained': String(this.#plan.numRetained),
      ...(restore === undefined ? {} : { restore }),
    });
  }

  #said(message: string): void {
    if (message.includes('was granted leadership')) {
      this.#leaderChanges++;
      const living = this.#world.taskManagers.filter(({ process }) => !process.isDead);
      this.#continuity.granted(living);
      this.#rare.granted(living);
      this.#points.pass('reconciling');
    } else if (message.startsWith('Completed checkpoint')) {
      this.#checkpoints++;
      this.#points.pass('pointer written');
    }
  }

  #observer({ instanceId }: TaskManagerProcess): TaskObserver {
    return {
      deployed: (fence, deployment) => {
        const { attempt, graph, restore } = deployment;
        const tasks = sumOf(graph.vertices.map(({ parallelism }) => parallelism));
        const withSource = graph.vertices.filter(({ operators }) =>
          operators.some(({ source }) => source !== undefined),
        );
        this.#invariants.taken(instanceId, fence);
        this.#invariants.deployed(instanceId, deployment);
        const restarted = this.#continuity.deployed(attempt, tasks);
        if (restarted !== undefined) {
          this.#invariants.violate('I9', restarted);
        }
        this.#rare.deployed(attempt, sumOf(withSource.map(({ parallelism }) => parallelism)), tasks);
        this.#points.pass(restore === undefined ? 'deploying' : 'restoring');
      },
      commanded: (fence, attempt, command) => {
        this.#invariants.taken(instanceId, fence);
        this.#invariants.commanded(attempt, command);
        this.#rare.commanded(attempt, command);
        if (command.kind === 'trigger') {
          this.#points.pass('triggered');
        } else if (command.kind === 'completed') {
          this.#points.pass('commit sent');
        } else if (command.kind === 'cancel') {
          this.#points.pass('cancelling');
        }
      },
      reported: (report) => {
        const { leader } = this.#world;
        this.#rare.reported(report, leader !== undefined && !leader.process.isPaused);
        if (report.kind === 'acknowledge') {
          const key = `${report.attempt.slice(0, 32)} ${report.checkpointId}`;
          const count = (this.#acknowledged.get(key) ?? 0) + 1;
          this.#acknowledged.set(key, count);
          if (count === 3) {
            this.#points.pass('partly acknowledged');
          }
        } else if (report.kind === 'state' && isTerminal(report.state)) {
          this.#points.pass('finishing');
        }
      },
    };
  }
}

const without = (plan: Plan, { faults, life, other }: Omission): Plan => ({
  ...plan,
  faults: plan.faults.filter((_, index) => !faults.includes(index)),
  life: life ? 'left alone' : plan.life,
  otherAtMs: other ? undefined : plan.otherAtMs,
});

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
