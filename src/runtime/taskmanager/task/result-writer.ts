import type { Downstream } from '../../../pipeline/operators/operator.ts';
import { NO_TIMESTAMP } from '../../../pipeline/operators/operator.ts';
import type { OutputChannel } from '../../network/output-channel.ts';
import type { StreamEvent } from '../../network/stream-element.ts';
import { ALL_CHANNELS } from './channel-selector.ts';
import type { ChannelSelector } from './channel-selector.ts';
import { roughSizeBytes } from './record-size.ts';

/** Of one batch. */
const MOST_RECORDS = 1024;
const FEWEST_RECORDS = 64;
/**
 * Of all batches that a task fills: many channels get short batches, or what is under way behind slow receivers would be
 * more than a barrier can wait for (seconds, with 2,500 channels on two cores).
 */
const MOST_RECORDS_OF_TASK = 8192;

interface Buffer {
  values: unknown[];
  timestamps: number[] | undefined;
}

export interface ResultWriterOptions {
  readonly channels: readonly OutputChannel[];
  readonly select: ChannelSelector;
  /** A batch is sent when its records take about this much. */
  readonly batchBytes: number;
  readonly now: () => number;
}

/** The end of a chain: sorts records into a batch for each channel of one exchange. */
export class ResultWriter implements Downstream<unknown> {
  readonly #channels: readonly OutputChannel[];
  readonly #select: ChannelSelector;
  readonly #batchBytes: number;
  readonly #now: () => number;
  readonly #mostRecords: number;
  readonly #buffers: Buffer[];
  #limit = 1;
  #lastWatermark = NO_TIMESTAMP;
  /** When the oldest record was written that is not sent yet. */
  bufferedSinceMs: number | undefined;
  recordsOut = 0;

  constructor(options: ResultWriterOptions) {
    this.#channels = options.channels;
    this.#select = options.select;
    this.#batchBytes = options.batchBytes;
    this.#now = options.now;
    this.#mostRecords = Math.max(
      FEWEST_RECORDS,
      Math.min(MOST_RECORDS, Math.floor(MOST_RECORDS_OF_TASK / options.channels.length)),
    );
    this.#buffers = options.channels.map(() => ({ values: [], timestamps: undefined }));
  }

  get channelCount(): number {
    return this.#channels.length;
  }

  get isBlocked(): boolean {
    for (const channel of this.#channels) {
      if (channel.isBlocked) {
        return true;
      }
    }
    return false;
  }

  process(value: unknown, timestamp: number): void {
    const channel = this.#select(value);
    if (channel === ALL_CHANNELS) {
      for (let each = 0; each < this.#channels.length; each++) {
        this.#append(each, value, timestamp);
      }
    } else {
      this.#append(channel, value, timestamp);
    }
  }

  processWatermark(watermark: number): void {
    if (watermark > this.#lastWatermark) {
      this.#lastWatermark = watermark;
      this.broadcast({ kind: 'watermark', watermark });
    }
  }

  processIdle(idle: boolean): void {
    this.broadcast({ kind: 'idle', idle });
  }

  /** Sends an event behind everything written so far, to every channel. */
  broadcast(event: StreamEvent): void {
    this.flush();
    for (const channel of this.#channels) {
      channel.sendEvent(event);
    }
  }

  flush(): void {
    if (this.bufferedSinceMs === undefined) {
      return;
    }
    for (let channel = 0; channel < this.#channels.length; channel++) {
      this.#flushChannel(channel);
    }
    this.bufferedSinceMs = undefined;
  }

  /** Runs when every channel has delivered the end of its partition, or was closed. */
  whenClosed(run: () => void): void {
    let open = this.#channels.length;
    if (open === 0) {
      run();
    }
    for (const channel of this.#channels) {
      channel.whenClosed(() => {
        open--;
        if (open === 0) {
          run();
        }
      });
    }
  }

  close(): void {
    for (const channel of this.#channels) {
      channel.close();
    }
  }

  #append(channel: number, value: unknown, timestamp: number): void {
    const buffer = this.#buffers[channel]!;
    const { values } = buffer;
    if (timestamp !== NO_TIMESTAMP && buffer.timestamps === undefined) {
      buffer.timestamps = new Array<number>(values.length).fill(NO_TIMESTAMP);
    }
    buffer.timestamps?.push(timestamp);
    if (values.push(value) >= this.#limit) {
      this.#flushChannel(channel);
    } else {
      this.bufferedSinceMs ??= this.#now();
    }
  }

  #flushChannel(channel: number): void {
    const { values, timestamps } = this.#buffers[channel]!;
    if (values.length === 0) {
      return;
    }
    this.#buffers[channel] = { values: [], timestamps: undefined };
    this.recordsOut += values.length;
    // The size of records is learnt from one of each batch: wide ones travel in short batches.
    const size = Math.max(1, roughSizeBytes(values[values.length - 1]));
    this.#limit = Math.max(1, Math.min(this.#mostRecords, Math.floor(this.#batchBytes / size)));
    this.#channels[channel]!.send({ values, timestamps, count: values.length });
  }
}
