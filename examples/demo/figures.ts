import type { PrintedSums } from './printed-sums.ts';

/** A stretch of the show, which begins with a kill. */
export interface Act {
  /** What was killed. */
  readonly title: string;
  readonly sinceMs: number;
  /** When another JobManager led and the job ran on. */
  newLeaderAfterMs: number | undefined;
  /** Until then. */
  readonly taskStarts: number;
  readonly checkpoints: number;
}

/** How long, for people. */
export const shown = (durationMs: number): string =>
  durationMs < 1000 ? `${durationMs.toFixed(0)} ms` : `${(durationMs / 1000).toFixed(1)} s`;

/** A table with a column for each act; `end` follows the last one. */
export const figures = (acts: readonly Act[], end: Act, sums: PrintedSums): string => {
  const following = [...acts.slice(1), end];
  const rows: readonly (readonly [string, (act: Act, next: Act) => string])[] = [
    ['killed', ({ title }) => title],
    ['new leader, job running', ({ newLeaderAfterMs: afterMs }) => (afterMs === undefined ? '-' : shown(afterMs))],
    ['longest gap in the output', ({ sinceMs }, next) => shown(sums.longestGapMs(sinceMs, next.sinceMs))],
    ['tasks started again', (act, next) => String(next.taskStarts - act.taskStarts)],
    ['checkpoints completed', (act, next) => String(next.checkpoints - act.checkpoints)],
  ];
  return rows
    .map(
      ([label, cell]) =>
        `  ${label.padEnd(26)}${acts.map((act, at) => cell(act, following[at]!).padStart(14)).join('')}`,
    )
    .join('\n');
};
