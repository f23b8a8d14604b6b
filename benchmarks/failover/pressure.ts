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
