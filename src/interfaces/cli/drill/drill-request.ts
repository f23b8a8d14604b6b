import { MillraceError } from '../../../foundation/common/errors.ts';
import { parseDuration } from '../../../foundation/common/duration.ts';

export const VICTIMS = ['leader', 'standby', 'jobmanager', 'taskmanager', 'random'] as const;
/** Whom a round is for; `jobmanager` and `random` are drawn. */
export type DrillVictim = (typeof VICTIMS)[number];

export const ACTIONS = ['kill', 'pause', 'cut'] as const;
/** `kill`: SIGKILL; `pause`: SIGSTOP, and SIGCONT later; `cut`: nothing that it sends or is sent arrives, until later. */
export type DrillAction = (typeof ACTIONS)[number];

export interface DrillRequest {
  readonly victim: DrillVictim;
  /** What is done to victims; of several, each round draws one. */
  readonly actions: readonly DrillAction[];
  readonly rounds: number;
  /** From the beginning of a round to that of the next, at least. */
  readonly everyMs: number;
  /** How long a process is paused or cut off. */
  readonly pauseMs: number;
  readonly seed: number;
  readonly checkpointIntervalMs: number;
  /** Within which everything has to run again after a round. */
  readonly recoveryMs: number;
  /** Of the probe job; `undefined`: as many as still find a slot when the largest TaskManager is lost. */
  readonly parallelism: number | undefined;
}

/** As the command line has them. */
export interface DrillFlags {
  readonly kill: string;
  readonly action: string;
  readonly rounds: string;
  readonly every: string;
  readonly pauseFor: string;
  readonly seed?: string;
  readonly checkpointInterval: string;
  readonly timeout: string;
  readonly parallelism?: string;
}

const SEED_MAX = 0xffff_ffff;

/** Errors: BAD_OPTION. */
export const drillRequest = (flags: DrillFlags, drawSeed: () => number): DrillRequest => ({
  victim: oneOf(VICTIMS, flags.kill, '--kill'),
  actions: actionsOf(flags.action),
  rounds: wholeNumber(flags.rounds, '--rounds', 1, 100_000),
  everyMs: durationOf(flags.every, '--every'),
  pauseMs: durationOf(flags.pauseFor, '--pause-for'),
  seed: flags.seed === undefined ? drawSeed() : wholeNumber(flags.seed, '--seed', 0, SEED_MAX),
  checkpointIntervalMs: durationOf(flags.checkpointInterval, '--checkpoint-interval'),
  recoveryMs: durationOf(flags.timeout, '--timeout'),
  parallelism: flags.parallelism === undefined ? undefined : wholeNumber(flags.parallelism, '--parallelism', 1, 10_000),
});

const actionsOf = (text: string): readonly DrillAction[] =>
  oneOf([...ACTIONS, 'random'] as const, text, '--action') === 'random' ? ACTIONS : [oneOf(ACTIONS, text, '--action')];

const oneOf = <T extends string>(allowed: readonly T[], text: string, option: string): T => {
  const found = allowed.find((each) => each === text);
  if (found === undefined) {
    throw new MillraceError('BAD_OPTION', `${option} is '${text}'; allowed: ${allowed.join(', ')}`);
  }
  return found;
};

const wholeNumber = (text: string, option: string, least: number, most: number): number => {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) {
    throw new MillraceError('BAD_OPTION', `${option} is '${text}'; allowed: a whole number from ${least} to ${most}`);
  }
  return value;
};

const LEAST_MS = 100;

const durationOf = (text: string, option: string): number => {
  const durationMs = parseDuration(text, option);
  if (durationMs < LEAST_MS) {
    throw new MillraceError('BAD_OPTION', `${option} is '${text}'; allowed: from ${LEAST_MS} ms on`);
  }
  return durationMs;
};
