import { MAX_WATERMARK, MIN_WATERMARK } from '../../../pipeline/operators/operator.ts';

export interface ValveOutput {
  /** The combined watermark rose to this. */
  readonly watermark?: number;
  /** The task as a whole became idle, or active again. */
  readonly idle?: boolean;
}

const NOTHING: ValveOutput = {};

/** The watermark of a task: the lowest of its channels, idle ones left out. It never goes back. */
export class WatermarkValve {
  readonly #watermarks: number[];
  readonly #idle: boolean[];
  #combined = MIN_WATERMARK;
  #allIdle = false;

  constructor(channels: number) {
    this.#watermarks = new Array<number>(channels).fill(MIN_WATERMARK);
    this.#idle = new Array<boolean>(channels).fill(false);
  }

  watermark(channel: number, watermark: number): ValveOutput {
    if (watermark <= this.#watermarks[channel]!) {
      return NOTHING;
    }
    this.#watermarks[channel] = watermark;
    // A watermark is a sign of life, except the last one: an ended channel holds nobody back anyway.
    this.#idle[channel] = false;
    return this.#combine();
  }

  idle(channel: number, idle: boolean): ValveOutput {
    this.#idle[channel] = idle;
    return this.#combine();
  }

  channelEnded(channel: number): ValveOutput {
    return this.watermark(channel, MAX_WATERMARK);
  }

  #combine(): ValveOutput {
    let lowest = MAX_WATERMARK;
    let active = 0;
    for (let channel = 0; channel < this.#watermarks.length; channel++) {
      if (!this.#idle[channel]) {
        active++;
        lowest = Math.min(lowest, this.#watermarks[channel]!);
      }
    }
    const wasIdle = this.#allIdle;
    this.#allIdle = active === 0;
    const idle = wasIdle === this.#allIdle ? {} : { idle: this.#allIdle };
    if (active === 0 || lowest <= this.#combined) {
      return idle;
    }
    this.#combined = lowest;
    return { ...idle, watermark: lowest };
  }
}
