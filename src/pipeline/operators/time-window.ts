import { MillraceError } from '../../foundation/common/errors.ts';

/** A span of time, start included, end not; milliseconds since 1970. */
export interface TimeWindow {
  readonly start: number;
  readonly end: number;
}

/** A window of a fixed number of records. */
export interface CountWindow {
  readonly size: number;
}

/** Windows of one size that follow each other without overlap. */
export interface TumblingWindows {
  readonly domain: 'event' | 'processing';
  readonly sizeMs: number;
  /** Windows start at multiples of the size plus this. */
  readonly offsetMs: number;
}

export const tumblingWindows = (domain: 'event' | 'processing', sizeMs: number, offsetMs: number): TumblingWindows => {
  if (!Number.isSafeInteger(sizeMs) || sizeMs <= 0) {
    throw new MillraceError('BAD_JOB', `a window of ${sizeMs} ms: the size must be a whole number of at least 1 ms`);
  }
  if (!Number.isSafeInteger(offsetMs) || Math.abs(offsetMs) >= sizeMs) {
    throw new MillraceError(
      'BAD_JOB',
      `windows of ${sizeMs} ms with an offset of ${offsetMs} ms: the offset must be smaller than the size`,
    );
  }
  return { domain, sizeMs, offsetMs };
};

export const windowStartOf = (windows: TumblingWindows, timeMs: number): number =>
  Math.floor((timeMs - windows.offsetMs) / windows.sizeMs) * windows.sizeMs + windows.offsetMs;
