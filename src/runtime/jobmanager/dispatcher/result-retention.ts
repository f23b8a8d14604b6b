/** How long the cluster remembers how jobs ended. */
export interface ResultRetention {
  /** After its end; counted from the clock of the JobManager that led then. */
  readonly expirationMs: number;
  /** Of so many jobs, the newest. */
  readonly capacity: number;
}

/** Flink's. */
export const DEFAULT_RETENTION: ResultRetention = { expirationMs: 3_600_000, capacity: Infinity };

interface Ended {
  readonly endedMs: number;
  readonly isDirty: boolean;
}

/** Those that are to be forgotten. What is not cleaned up yet stays: whoever leads has to know of it (R9). */
export const outlived = <T extends Ended>(
  results: readonly T[],
  { expirationMs, capacity }: ResultRetention,
  nowMs: number,
): readonly T[] => {
  const tooMany = results.length - capacity;
  return results
    .toSorted((one, other) => one.endedMs - other.endedMs)
    .filter(({ endedMs, isDirty }, index) => !isDirty && (index < tooMany || endedMs + expirationMs <= nowMs));
};
