import { attemptId, type JobId } from '../../../src/foundation/common/ids.ts';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import type { JobState, JobSubmission } from '../../../src/runtime/jobmanager/dispatcher/cluster-gateway.ts';
import { isTerminal } from '../../../src/runtime/taskmanager/attempt-ledger.ts';
import { Client } from './client.ts';
import { Continuity } from './continuity.ts';
import { DeadChannels } from './dead-channels.ts';
import { Faults, GIVING_UP_NOBODY, type Fault } from './faults.ts';
import { Invariants } from './invariants.ts';
import { live, livesOf, type Lives } from './lives.ts';
import type { TaskObserver } from './observed-tasks.ts';
import {
  FAULTS_UNTIL_MS,
  faultText,
  NOTHING_OMITTED,
  planOf,
  without,
  type Omission,
  type Plan,
  type PlannedFault,
} from './plan.ts';
import { LeftBehind } from './left-behind.ts';
import type { Outcome } from './outcome.ts';
import { Points, type Point } from './points.ts';
import { RareStates } from './rare-states.ts';
import { allOutputOf, requiredOutputOf, simulatedJob } from './simulated-job.ts';
import { BROKEN, MAIN, RATE, RESUMED, WORLD_SIZES, type Size, type WorldName, type WorldSize } from './sizes.ts';
import type { StoreOfWorld } from './store-of-world.ts';
import { storeOf, zookeeperOf } from './stores.ts';
import type { TaskManagerProcess } from './task-manager-process.ts';
import { UserCodeFaults } from './user-code-faults.ts';
import { Violation } from './violation.ts';
import { Weather } from './weather.ts';
import { World } from './world.ts';

/** A schedule is at least so long. */
const LENGTH_MS = 60_000;
/** I8: lease and heartbeat, reconcile timeout, restart delay, interval and timeout of a checkpoint. */
const PROGRESS_MS = 400_000;
const LOOK_MS = 500;
/** Some state is small enough to travel in the metadata, some is not. */
const INLINE_THRESHOLD = '48b';
const STORE_LOG = '/ha-store/log/';
/** After them a timer may fall due when the input has ended, and never fire. */
const OF_TIME: readonly Fault[] = ['user code blocks', 'a clock is wrong'];

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
  readonly #store: StoreOfWorld;
  readonly #invariants: Invariants;
  readonly #continuity = new Continuity();
  readonly #deadChannels: DeadChannels;
  readonly #left: LeftBehind;
  readonly #rare: RareStates;
  readonly #faults: Faults;
  readonly #userCode: UserCodeFaults;
  readonly #hit = new Set<Fault>();
  readonly #struck = new Map<string, number>();
  readonly #acknowledged = new Map<string, number>();
  readonly #saved: string[] = [];
  #checkpoints = 0;
  #messages = 0;
  #leaderChanges = 0;
  #count = 0;

  constructor(seed: number, name: WorldName, omitted: Omission) {
    this.#seed = seed;
    this.#name = name;
    this.#size = WORLD_SIZES[name];
    this.#plan = without(planOf(seed, name), omitted);
    this.#weather = new Weather(seededRandom(seed + 3));
    const weather = this.#weather;
    this.#world = new World({
      seed,
      slots: 2,
      keepsCopies: this.#plan.keepsCopies,
      zookeeper: zookeeperOf(this.#size, weather, () => this.#store),
      networkDelayMs: (delays, from) => {
        this.#messages++;
        this.#points.passIf('sending', () => from === this.#world.leader?.name);
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
        } else if (path.endsWith('/_metadata') || (call === 'write' && path.includes(STORE_LOG))) {
          this.#points.pass('file written');
        }
      },
      violate: (invariant, what) => this.#invariants.violate(invariant, what),
      observe: () => this.#invariants.afterStep(),
      said: (_process, message) => this.#said(message),
    });
    this.#store = storeOf(this.#world, {
      unpointed: () => this.#points.pass('pointer deleted'),
      dangling: (path) => this.#invariants.violate('I3', `the store points to ${path}, which does not exist`),
      idsGoBack: (what) => this.#invariants.violate('I5', what),
      differs: (what) => this.#invariants.violate('I1', what),
    });
    this.#rare = new RareStates(this.#store);
    this.#deadChannels = new DeadChannels(this.#world.channels);
    this.#left = new LeftBehind(this.#world.disk);
    this.#invariants = new Invariants(
      this.#store,
      this.#world.log,
      new Set([MAIN, ...this.#size.others].flatMap(allOutputOf)),
      BROKEN.jobId,
      (instanceId, attempt) =>
        this.#world.taskManagers
          .filter(({ instanceId: id }) => id === instanceId)
          .some(({ tasks }) =>
            tasks.reports.some((known) => attemptId(known.attempt) === attempt && !isTerminal(known.state)),
          ),
      () => [...this.#hit].some((fault) => !GIVING_UP_NOBODY.includes(fault)),
    );
    this.#userCode = new UserCodeFaults(this.#world.userCode);
    this.#faults = new Faults({
      world: this.#world,
      weather,
      userCodeThrows: () => this.#userCode.throws(),
      userCodeBlocks: (forMs) => this.#userCode.blocks(forMs),
      isWhole: () => this.#continuity.isWhole(this.#livingTaskManagers),
      wentBack: () => void this.#store.lostEntries(),
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
      this.#check('I13', this.#deadChannels.look(this.#livingTaskManagers, world.elapsedMs));
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
    await this.#left.cleanedUp((ms) => world.run(ms));
    const cancelled = ends.filter(({ state }) => state === 'CANCELED').map(({ size }) => size);
    const required = ends.filter(({ size }) => !cancelled.includes(size)).map(({ size }) => size);
    this.#invariants.atTheEnd(
      required.flatMap((size) => this.#requiredOf(size)),
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

  #check(invariant: string, wrong: string | undefined): void {
    if (wrong !== undefined) {
      this.#invariants.violate(invariant, wrong);
    }
  }

  get #livingTaskManagers(): readonly TaskManagerProcess[] {
    return this.#world.taskManagers.filter(({ process }) => !process.isDead);
  }

  #requiredOf(size: Size): readonly string[] {
    return requiredOutputOf(size, !OF_TIME.some((fault) => this.#hit.has(fault)));
  }

  /** Users, and their jobs. */
  #lives(): Lives {
    const { life, askedAfterMs, otherAtMs, brokenAtMs } = this.#plan;
    const common = {
      resumedId: RESUMED,
      ended: (id: JobId, state: JobState): void => this.#invariants.ended(id, state),
      cancelled: (id: JobId): void => this.#invariants.cancelled(id, this.#requiredOf(MAIN)),
      saved: (folder: string): void => void this.#saved.push(folder),
      pass: (point: Point): void => {
        if (point !== 'submitting') {
          this.#continuity.asked();
        }
        this.#points.pass(point);
      },
    };
    const others = otherAtMs === undefined ? [] : this.#size.others;
    const sizes = [MAIN, ...others, ...(brokenAtMs === undefined ? [] : [BROKEN])];
    return livesOf(
      sizes.map(async (size, index) => {
        const client = new Client(this.#world, seededRandom(this.#seed * 10 + index));
        await client.wait(size === BROKEN ? (brokenAtMs ?? 0) : index * (otherAtMs ?? 0));
        const submission = (id: JobId, restore?: string): JobSubmission => this.#submission(size, id, restore);
        const own = size === MAIN ? { life, askedAfterMs } : { life: 'left alone' as const, askedAfterMs: 0 };
        return { size, state: await live(client, { ...common, ...own, jobId: size.jobId, submission }) };
      }),
    );
  }

  #await(planned: PlannedFault): void {
    const { fault, random, point, skipped, fromMs, atMs, delayMs, aftershock } = planned;
    const { time } = this.#world;
    let remove: (() => void) | undefined;
    let isDue = true;
    const strike = (where: Point | 'any time'): void => {
      this.#strike(fault, random, where);
      if (aftershock !== undefined) {
        time.after(aftershock.afterMs, () => this.#strike(aftershock.fault, aftershock.random, 'any time'));
      }
    };
    const come = (where: Point | 'any time', afterMs: number) => (): void => {
      if (isDue) {
        isDue = false;
        remove?.();
        // At once means in the middle of what makes the point.
        if (afterMs === 0) {
          strike(where);
        } else {
          time.after(afterMs, () => strike(where));
        }
      }
    };
    if (point !== undefined) {
      time.after(fromMs, () => {
        remove = this.#points.strikeAt(point, skipped, come(point, delayMs));
      });
    }
    time.after(atMs, come('any time', 0));
  }

  #strike(fault: Fault, random: Random, point: Point | 'any time'): void {
    this.#world.note('', '', `${fault} @ ${point}`);
    if (this.#world.elapsedMs < FAULTS_UNTIL_MS && this.#faults.strike(fault, random)) {
      this.#count++;
      this.#hit.add(fault);
      this.#continuity.struck(fault);
      if (fault === 'all lose power') {
        void this.#store.lostEntries();
      }
      const cell = `${fault} @ ${point}`;
      this.#struck.set(cell, (this.#struck.get(cell) ?? 0) + 1);
    }
  }

  #submission(size: Size, jobId: JobId, restore: string | undefined): JobSubmission {
    const { intervalMs } = this.#plan;
    const definition = simulatedJob({
      size: size === MAIN ? { ...size, intervalMs } : size,
      log: this.#world.log,
      rate: RATE,
      arrived: () => {
        if (jobId === MAIN.jobId) {
          this.#check('I9', this.#continuity.arrived(this.#world.elapsedMs, false));
        }
      },
      trap: this.#userCode.trap,
    });
    return this.#world.submission(definition, jobId, {
      'execution.checkpointing.num-retained': String(this.#plan.numRetained),
      'execution.checkpointing.data-inline-threshold': INLINE_THRESHOLD,
      ...(restore === undefined ? {} : { restore }),
      ...(size === BROKEN ? { restarts: '2' } : {}),
    });
  }

  #said(message: string): void {
    this.#invariants.said(message);
    this.#left.said(message, this.#world.time.now());
    if (message.includes('was granted leadership')) {
      this.#leaderChanges++;
      const living = this.#livingTaskManagers;
      this.#continuity.granted(living);
      this.#rare.granted(living);
      this.#points.pass('reconciling');
    } else if (message.startsWith('Completed checkpoint')) {
      this.#checkpoints++;
      this.#points.pass('pointer written');
    }
  }

  #observer({ instanceId }: TaskManagerProcess): TaskObserver {
    const weather = this.#weather;
    return {
      get repeats() {
        return weather.repeatsCommands;
      },
      deployed: (fence, deployment) => {
        const { attempt, graph, restore } = deployment;
        const tasks = sumOf(graph.vertices.map(({ parallelism }) => parallelism));
        const withSource = graph.vertices.filter(({ operators }) =>
          operators.some(({ source }) => source !== undefined),
        );
        this.#invariants.taken(instanceId, fence);
        this.#invariants.deployed(instanceId, fence, deployment);
        if (attempt.job !== BROKEN.jobId) {
          this.#check('I9', this.#continuity.deployed(attempt, tasks));
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
          this.#continuity.arrived(this.#world.elapsedMs, true);
          if (report.state === 'FINISHED') {
            this.#continuity.finished(report.attempt);
          }
        }
      },
    };
  }
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
