import { present } from '../../../src/foundation/common/assert.ts';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import { FAULTS, GOES_BACK, NOT_OF_TASKS, type Fault } from './faults.ts';
import { POINTS, type Point } from './points.ts';
import { WORLD_SIZES, type WorldName } from './sizes.ts';
import { ZOOKEEPER_FAULTS } from './zookeeper-faults.ts';

/** What users ask of the job of a schedule. */
export const LIVES = ['left alone', 'checkpointed', 'saved', 'rescaled', 'stopped and resumed', 'cancelled'] as const;
export type Life = (typeof LIVES)[number];

/** A fault, and when it is to strike. */
export interface PlannedFault {
  readonly fault: Fault;
  /** Where; `undefined`: at `atMs`, wherever that is. */
  readonly point: Point | undefined;
  /** So many times the point is passed by. */
  readonly skipped: number;
  /** From then on it waits for its point. */
  readonly fromMs: number;
  /** Then it strikes at the latest. */
  readonly atMs: number;
  /** So long after its point. */
  readonly delayMs: number;
  /** Of what it hits, and for how long. */
  readonly random: Random;
  /** Another one that follows soon. */
  readonly aftershock: { readonly fault: Fault; readonly afterMs: number; readonly random: Random } | undefined;
}

/** What a schedule does, drawn from its seed before it begins. */
export interface Plan {
  readonly faults: readonly PlannedFault[];
  readonly life: Life;
  /** So long after the job runs, users ask for it. */
  readonly askedAfterMs: number;
  /** When the second job is submitted, if there is one. */
  readonly otherAtMs: number | undefined;
  /** When a job is submitted that cannot work. */
  readonly brokenAtMs: number | undefined;
  readonly numRetained: number;
  /** Between two checkpoints of the main job. */
  readonly intervalMs: number;
  /** Of state, on the machines of TaskManagers. */
  readonly keepsCopies: boolean;
}

/** What is left out of a plan, to find the shortest that still fails. */
export interface Omission {
  /** Places in `Plan.faults`. */
  readonly faults: readonly number[];
  /** Nobody asks for anything. */
  readonly life: boolean;
  /** There is no second job. */
  readonly other: boolean;
}

export const NOTHING_OMITTED: Omission = { faults: [], life: false, other: false };

const FAULTS_FROM_MS = 3_000;
export const FAULTS_UNTIL_MS = 45_000;
/** Beside the one that a schedule is about, and what that needs. */
const OTHER_FAULTS_MAX = 2;
const ASKED_AFTER_MAX_MS = 25_000;
const OTHER_AT_MAX_MS = 20_000;
/** In one schedule of so many there is a job that cannot work. */
const BROKEN_JOBS = 4;
/** Often, so that faults meet checkpoints; or seldom, so that there is something to do again. */
const INTERVALS_MS: readonly number[] = [2_500, 7_000];
/** In one schedule of so many TaskManagers keep copies of state. */
const KEEP_COPIES = 3;
/** So often, at most, a point is passed by before a fault strikes there: those that a schedule comes by all the time. */
const SKIPPED_MAX: Partial<Record<Point, number>> = {
  triggered: 8,
  'partly acknowledged': 4,
  'file written': 12,
  'pointer written': 4,
  'pointer deleted': 4,
  'commit sent': 16,
  'stopping with savepoint': 0,
  finishing: 2,
  sending: 100,
};
/** By then a fault waits for its point, at most. */
const WAITS_FROM_MAX_MS = 20_000;
/** Those that a schedule comes by only once in a while. */
const FROM_THE_BEGINNING: readonly Point[] = [
  'submitting',
  'deploying',
  'reconciling',
  'restoring',
  'rescaling',
  'cancelling',
  'stopping with savepoint',
  'finishing',
];
/** Those that a job comes by once it runs. */
const POINTS_OF_RUNNING: readonly Point[] = [
  'triggered',
  'partly acknowledged',
  'file written',
  'pointer written',
  'pointer deleted',
  'commit sent',
  'sending',
];
/** They end whoever leads, so that each schedule has a change of the leader. */
const OF_LEADER: readonly Fault[] = ['leader dies', 'leader dies', 'all lose power'];
/** After them tasks are restored. */
const OF_TASKS: readonly Fault[] = ['TaskManager dies', 'user code throws', 'data connection breaks'];
/** Points that only this life comes by. */
const LIFE_OF: Partial<Record<Point, Life>> = {
  rescaling: 'rescaled',
  'stopping with savepoint': 'stopped and resumed',
  cancelling: 'cancelled',
};
/** What takes its time: somebody was granted leadership, now it reads and waits for reports. */
const LASTS_MS: Partial<Record<Point, number>> = { reconciling: 300 };
/** Half of the faults strike in the middle of what makes a point, the others so long after it. */
const DELAY_MAX_MS = 40;
const AFTERSHOCK_MAX_MS = 6_000;
/** While they go on, nobody knows what was written: what happens then to tasks or leaders is of interest. */
const OF_STORAGE: readonly Fault[] = ['HA store is away', 'storage is away', 'storage is slow', 'uploads fail'];
/** After a job was asked to end, when its pointers go; before that it has to have started. */
const POINTERS_GO_MS = 1_000;

/**
 * Each schedule is about one fault at one point, all of them in turn; others come along. So no pair is left to chance, and what no
 * pair shows may still come of two that meet.
 */
export const planOf = (seed: number, world: WorldName = 'small'): Plan => {
  const random = seededRandom(seed);
  if ('goesBack' in WORLD_SIZES[world]) {
    return planOfOlderStore(seed, random);
  }
  const ofStore = WORLD_SIZES[world].store === 'zookeeper' ? ZOOKEEPER_FAULTS : [];
  const [every, sparing] = [
    [...FAULTS, ...ofStore],
    [...NOT_OF_TASKS, ...ofStore],
  ];
  const fault = oneOf(random, every);
  const point = oneOf(random, POINTS);
  const isOfEnd = (point === 'pointer deleted' || point === 'finishing') && random.int(2) === 0;
  const life = LIFE_OF[point] ?? (isOfEnd ? 'cancelled' : oneOf(random, LIVES));
  const askedAfterMs = random.next() * ASKED_AFTER_MAX_MS;
  // Now and then nothing hits the tasks, so that one sees whether they go on (I9).
  const spares = sparing.includes(fault) && point !== 'restoring' && random.int(2) === 0;
  const all = spares ? sparing : every;
  const ofLeader = spares ? NOT_OF_TASKS.slice(0, 1) : OF_LEADER;
  const draw = (what: Fault, where: Point | undefined, index: number): PlannedFault =>
    planned(random, what, where, all, seededRandom(seed * 1_000 + index));
  const theme = draw(fault, point, 0);
  const faults = [isOfEnd ? { ...theme, skipped: 0, fromMs: askedAfterMs + POINTERS_GO_MS } : theme];
  if (!OF_LEADER.includes(fault)) {
    faults.push(draw(oneOf(random, ofLeader), random.int(2) === 0 ? oneOf(random, POINTS) : undefined, 1));
  }
  if (point === 'restoring') {
    faults.push(draw(oneOf(random, OF_TASKS), undefined, 2));
  }
  for (let others = random.int(OTHER_FAULTS_MAX + 1); others > 0; others--) {
    faults.push(draw(oneOf(random, all), random.int(2) === 0 ? oneOf(random, POINTS) : undefined, 10 + others));
  }
  return {
    faults: faults.length > 1 ? faults : [...faults, draw(oneOf(random, all), undefined, 3)],
    life,
    askedAfterMs,
    otherAtMs: random.next() * OTHER_AT_MAX_MS,
    brokenAtMs: random.int(BROKEN_JOBS) === 0 ? random.next() * OTHER_AT_MAX_MS : undefined,
    numRetained: 1 + random.int(2),
    intervalMs: oneOf(random, INTERVALS_MS),
    keepsCopies: random.int(KEEP_COPIES) === 0,
  };
};

/** The store goes back while tasks run; before and after that leaders fail. */
const planOfOlderStore = (seed: number, random: Random): Plan => {
  const draw = (fault: Fault, index: number): PlannedFault =>
    planned(random, fault, oneOf(random, POINTS_OF_RUNNING), NOT_OF_TASKS, seededRandom(seed * 1_000 + index));
  const others = Array.from({ length: random.int(OTHER_FAULTS_MAX + 1) }, (_, index) =>
    draw(oneOf(random, NOT_OF_TASKS), 1 + index),
  );
  return {
    faults: [draw(GOES_BACK, 0), ...others],
    life: 'left alone',
    askedAfterMs: 0,
    otherAtMs: undefined,
    brokenAtMs: undefined,
    numRetained: 1 + random.int(2),
    intervalMs: oneOf(random, INTERVALS_MS),
    keepsCopies: false,
  };
};

const planned = (
  random: Random,
  fault: Fault,
  point: Point | undefined,
  all: readonly Fault[],
  own: Random,
): PlannedFault => {
  const isAtPoint = point !== undefined;
  const after = all === FAULTS ? OF_TASKS : all;
  const lastsMs = isAtPoint ? LASTS_MS[point] : undefined;
  return {
    fault,
    point,
    skipped: isAtPoint ? random.int(1 + (SKIPPED_MAX[point] ?? 1)) : 0,
    fromMs: isAtPoint && !FROM_THE_BEGINNING.includes(point) ? random.next() * WAITS_FROM_MAX_MS : 0,
    atMs: isAtPoint ? FAULTS_UNTIL_MS - 1 : FAULTS_FROM_MS + random.next() * (FAULTS_UNTIL_MS - FAULTS_FROM_MS),
    delayMs: random.next() * (lastsMs ?? (random.int(2) === 0 ? DELAY_MAX_MS : 0)),
    random: own,
    aftershock:
      random.int(OF_STORAGE.includes(fault) ? 2 : 4) === 0
        ? {
            fault: oneOf(random, OF_STORAGE.includes(fault) && random.int(2) === 0 ? after : all),
            afterMs: random.next() ** 2 * AFTERSHOCK_MAX_MS,
            random: seededRandom(own.int(2 ** 31)),
          }
        : undefined,
  };
};

/** The same with less in it. */
export const without = (plan: Plan, { faults, life, other }: Omission): Plan => ({
  ...plan,
  faults: plan.faults.filter((_, index) => !faults.includes(index)),
  life: life ? 'left alone' : plan.life,
  otherAtMs: other ? undefined : plan.otherAtMs,
  brokenAtMs: other ? undefined : plan.brokenAtMs,
});

/** As a person reads it. */
export const faultText = ({ fault, point, atMs, aftershock }: PlannedFault): string =>
  [
    `${fault} ${point === undefined ? '' : `at "${point}", or `}after ${(atMs / 1_000).toFixed(1)} s`,
    ...(aftershock === undefined ? [] : [`${aftershock.fault} ${(aftershock.afterMs / 1_000).toFixed(1)} s later`]),
  ].join(', ');

const oneOf = <T>(random: Random, all: readonly T[]): T => present(all[random.int(all.length)], 'choice');
