import { parseDuration, type Duration } from '../../foundation/common/duration.ts';
import { tumblingWindows, type TumblingWindows } from '../operators/time-window.ts';

const sizes = (domain: 'event' | 'processing', size: Duration, offset: Duration): TumblingWindows =>
  tumblingWindows(domain, parseDuration(size, 'the window size'), parseDuration(offset, 'the window offset'));

/** Windows by the timestamps of records. A window fires when the watermark has passed it. */
export class TumblingEventTimeWindows {
  readonly windows: TumblingWindows;
  declare protected readonly domain: 'event';

  private constructor(windows: TumblingWindows) {
    this.windows = windows;
  }

  /** Windows start at multiples of `size` since 1970, UTC, plus `offset`. */
  static of(size: Duration, offset: Duration = 0): TumblingEventTimeWindows {
    return new TumblingEventTimeWindows(sizes('event', size, offset));
  }
}

/** Windows by the clock of the machine when a record arrives. */
export class TumblingProcessingTimeWindows {
  readonly windows: TumblingWindows;
  declare protected readonly domain: 'processing';

  private constructor(windows: TumblingWindows) {
    this.windows = windows;
  }

  /** Windows start at multiples of `size` since 1970, UTC, plus `offset`. */
  static of(size: Duration, offset: Duration = 0): TumblingProcessingTimeWindows {
    return new TumblingProcessingTimeWindows(sizes('processing', size, offset));
  }
}
