/** What a running job shows once a second. */
export interface JobProgress {
  readonly status: string;
  /** Records read by sources, and given to sinks, since the start. */
  readonly recordsIn: number;
  readonly recordsOut: number;
  /** Records that came after their window, and that no side output took. */
  readonly lateRecordsDropped: number;
  readonly restarts: number;
  readonly checkpoint:
    | { readonly id: number; readonly ageMs: number; readonly sizeBytes: number; readonly durationMs: number }
    | undefined;
  readonly failedCheckpoints: number;
}

const SIZES = ['B', 'KiB', 'MiB', 'GiB'] as const;

export const humanSize = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < SIZES.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${SIZES[unit]}`;
};

const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** By Flink's name of the metric. */
export const lateRecords = ({ lateRecordsDropped }: Pick<JobProgress, 'lateRecordsDropped'>): string =>
  `numLateRecordsDropped ${count(lateRecordsDropped)}`;

/** One line: `RUNNING  in 12,345 (1,000/s)  out 123 (10/s)  checkpoint 4 (0.6 s ago, 1.2 KiB, 3 ms)  restarts 0`. */
export const progressLine = (now: JobProgress, before: JobProgress | undefined, passedMs: number): string => {
  const rate = (value: number, old: number): string => `${count(((value - old) * 1000) / Math.max(1, passedMs))}/s`;
  const { checkpoint } = now;
  const parts = [
    now.status,
    `in ${count(now.recordsIn)} (${rate(now.recordsIn, before?.recordsIn ?? 0)})`,
    `out ${count(now.recordsOut)} (${rate(now.recordsOut, before?.recordsOut ?? 0)})`,
    checkpoint === undefined
      ? 'no checkpoint yet'
      : `checkpoint ${checkpoint.id} (${(checkpoint.ageMs / 1000).toFixed(1)} s ago, ${humanSize(checkpoint.sizeBytes)}, ${count(checkpoint.durationMs)} ms)`,
    `restarts ${now.restarts}`,
  ];
  if (now.lateRecordsDropped > 0) {
    parts.push(lateRecords(now));
  }
  if (now.failedCheckpoints > 0) {
    parts.push(`failed checkpoints ${now.failedCheckpoints}`);
  }
  return parts.join('  ');
};
