import { readFileSync } from 'node:fs';

/** How long something on this machine has waited for a core, or for a disk, since it was started; 0 where the system does not tell. */
export interface Pressure {
  readonly coresMs: number;
  readonly disksMs: number;
}

export const pressureNow = (): Pressure => ({ coresMs: waitedMs('cpu'), disksMs: waitedMs('io') });

const waitedMs = (what: 'cpu' | 'io'): number => {
  try {
    return Number(/^some .*total=(\d+)/.exec(readFileSync(`/proc/pressure/${what}`, 'utf8'))?.[1] ?? 0) / 1_000;
  } catch {
    return 0;
  }
};

/** Processes that run or wait to, over the last minute. */
export const loadNow = (): number => Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);

/** Of the main thread of a process, since its start; zeros where the system does not tell. */
export interface ThreadTimes {
  readonly ranMs: number;
  /** For a core. */
  readonly waitedMs: number;
}

export const mainThreadTimes = (pid: number): ThreadTimes => {
  try {
    const [ran, waited] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ').map(Number);
    return { ranMs: (ran ?? 0) / 1e6, waitedMs: (waited ?? 0) / 1e6 };
  } catch {
    return { ranMs: 0, waitedMs: 0 };
  }
};
