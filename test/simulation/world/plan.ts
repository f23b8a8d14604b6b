import { present } from '../../../src/foundation/common/assert.ts';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import { FAULTS, type Fault } from './faults.ts';
import { POINTS, type Point } from './points.ts';

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
  /** Of what it hits, and for how long. */
  readonly random: Random;
}

/** What a schedule does, drawn from its seed before it begins. */
export interface Plan {
  readonly faults: readonly PlannedFault[];
  readonly life: Life;
  /** So long after the job runs, users ask for it. */
  readonly askedAfterMs: number;
  /** When the second job is submitted, if there is one. */
  readonly otherAtMs: number | undefined;
  readonly numRetained: number;
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
const FAULTS_MAX = 5;
const FAULTS_MIN = 2;
const ASKED_AFTER_MAX_MS = 25_000;
const OTHER_AT_MAX_MS = 20_000;
/** So often, at most, a point is passed by before a fault strikes there: those that a schedule comes by all the time. */
const SKIPPED_MAX: Partial<Record<Point, number>> = {
  triggered: 8,
  'partly acknowledged': 4,
  'file written': 4,
  'pointer written': 4,
  'pointer deleted': 4,
  'commit sent': 16,
};
/** By then a fault waits for its point, at most. */
const WAITS_FROM_MAX_MS = 20_000;
const FROM_THE_BEGINNING: readonly Point[] = ['submitting', 'deploying', 'reconciling'];
/** They end whoever leads, so that each schedule has a change of the leader. */
const OF_LEADER: readonly Fault[] = ['leader dies', 'leader dies', 'all lose power'];
/** Points that only this life comes by. */
const OWN_POINT: Partial<Record<Life, Point>> = {
  rescaled: 'rescaling',
  'stopped and resumed': 'stopping with savepoint',
  cancelled: 'cancelling',
};

export const planOf = (seed: number): Plan => {
  const random = seededRandom(seed);
  const life = oneOf(random, LIVES);
  const count = FAULTS_MIN + random.int(FAULTS_MAX - FAULTS_MIN + 1);
  const faults = Array.from({ length: count }, (_, index): PlannedFault => {
    const fault = oneOf(random, index === 0 ? OF_LEADER : FAULTS);
    const own = random.int(2) === 0 ? OWN_POINT[life] : undefined;
    const point = random.int(2) === 0 ? undefined : (own ?? oneOf(random, POINTS));
    const skipped = point === undefined ? 0 : random.int(1 + (SKIPPED_MAX[point] ?? 1));
    const fromMs = point === undefined || FROM_THE_BEGINNING.includes(point) ? 0 : random.next() * WAITS_FROM_MAX_MS;
    const atMs =
      point === undefined ? FAULTS_FROM_MS + random.next() * (FAULTS_UNTIL_MS - FAULTS_FROM_MS) : FAULTS_UNTIL_MS - 1;
    return { fault, point, skipped, fromMs, atMs, random: seededRandom(seed * 1_000 + index) };
  });
  return {
    faults,
    life,
    askedAfterMs: random.next() * ASKED_AFTER_MAX_MS,
    otherAtMs: random.next() * OTHER_AT_MAX_MS,
    numRetained: 1 + random.int(2),
  };
};

/** As a person reads it. */
export const faultText = ({ fault, point, atMs }: PlannedFault): string =>
  `${fault} ${point === undefined ? '' : `at "${point}", or `}after ${(atMs / 1_000).toFixed(1)} s`;

const oneOf = <T>(random: Random, all: readonly T[]): T => present(all[random.int(all.length)], 'choice');
