import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Outcome } from '../world/outcome.ts';
import type { WorldName } from '../world/sizes.ts';

/** What a process is to play next. */
export interface PlayRequest {
  readonly seed: number;
  readonly world: WorldName;
}

export interface PoolOptions {
  readonly world: WorldName;
  /** Processes at a time. */
  readonly processes: number;
  /** What of the shipped code is broken in them; nothing when missing. */
  readonly mutant?: string;
  /** Whether the next seeds are wanted too. */
  readonly heed: (outcome: Outcome) => boolean;
}

/** No schedule computes longer. */
const SCHEDULE_MS = 120_000;

/** Plays schedules in processes of their own, until nobody wants more of them. */
export const playAll = async (seeds: readonly number[], options: PoolOptions): Promise<void> => {
  const left = seeds.toReversed();
  const children = new Set<ChildProcess>();
  let isOver = false;
  const next = (): number | undefined => left.pop();
  const heed = (outcome: Outcome): void => {
    if (isOver || options.heed(outcome)) {
      return;
    }
    isOver = true;
    left.length = 0;
    // What they play now nobody waits for: a mutant may play it for minutes.
    children.forEach((child) => child.kill('SIGKILL'));
  };
  const begin = (): ChildProcess => {
    const child = start(options.mutant);
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  const workers = Math.min(options.processes, seeds.length);
  await Promise.all(Array.from({ length: workers }, () => work(options.world, begin, next, heed)));
};

const work = async (
  world: WorldName,
  begin: () => ChildProcess,
  next: () => number | undefined,
  heed: (outcome: Outcome) => void,
): Promise<void> => {
  let child: ChildProcess | undefined;
  for (let seed = next(); seed !== undefined; seed = next()) {
    child ??= begin();
    const outcome = await answer(child, { seed, world });
    if (outcome.violation?.invariant === 'no answer') {
      child.kill('SIGKILL');
      child = undefined;
    }
    heed(outcome);
  }
  if (child?.connected === true) {
    child.disconnect();
  }
};

const start = (mutant: string | undefined): ChildProcess =>
  fork(join(import.meta.dirname, 'worker.ts'), {
    // A schedule leaves much garbage and keeps nothing: collected less often, it costs a fourth less time.
    execArgv: [
      '--min-semi-space-size=64',
      '--max-semi-space-size=128',
      '--import',
      join(import.meta.dirname, '..', 'mutants', 'register.ts'),
    ],
    serialization: 'advanced',
    env: { ...process.env, MILLRACE_MUTANT: mutant ?? '' },
  });

const answer = (child: ChildProcess, request: PlayRequest): Promise<Outcome> =>
  new Promise((resolve) => {
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      child.off('message', settle);
      child.off('exit', exited);
      resolve(outcome);
    };
    const none = (message: string): void =>
      settle({ ...EMPTY, ...request, violation: { invariant: 'no answer', message } });
    const exited = (code: number | null, signal: string | null): void =>
      none(`its process ended with ${signal ?? code}`);
    const timer = setTimeout(() => none(`it computes for more than ${SCHEDULE_MS / 1_000} s`), SCHEDULE_MS);
    child.on('message', settle);
    child.on('exit', exited);
    child.send(request);
  });

const EMPTY: Omit<Outcome, 'seed' | 'world' | 'violation'> = {
  virtualMs: 0,
  events: 0,
  checkpoints: 0,
  faults: 0,
  messages: 0,
  leaderChanges: 0,
  struck: new Map(),
  rare: new Map(),
  plan: [],
  trace: [],
};
