import { MillraceError } from '../../foundation/common/errors.ts';
import { OperatorWatermark } from './operator-watermark.ts';
import { MAX_WATERMARK, MIN_WATERMARK, NO_TIMESTAMP, Operator, type OperatorBehavior } from './operator.ts';

/** Milliseconds since 1970; the second argument is the timestamp the record has already, if any. */
export type TimestampAssigner<T> = (value: T, recordTimestamp: number | undefined) => number;

export interface WatermarkOptions<T> {
  /** Without it records keep the timestamp that the source gave them. */
  readonly timestampOf: TimestampAssigner<T> | undefined;
  /** How much older than the newest record a record may be without being late; 0 where they come in order. */
  readonly outOfOrdernessMs: number;
  /** After this time without a record the stream does not hold back the watermark of others. */
  readonly idlenessMs: number | undefined;
}

/** Gives records their timestamp and says how far event time is. */
export class WatermarkBehavior<T> implements OperatorBehavior {
  readonly kind = 'watermarks';
  readonly options: WatermarkOptions<T>;
  /** Read when the operator is created: the environment knows its configuration only when the builder has returned. */
  readonly intervalMs: () => number;

  constructor(options: WatermarkOptions<T>, intervalMs: () => number) {
    this.options = options;
    this.intervalMs = intervalMs;
  }

  createOperator(): WatermarkOperator<T> {
    return new WatermarkOperator(this.options, this.intervalMs());
  }
}

/**
 * The newest timestamp is state, so that the watermark does not go back after a restore. Watermarks from before are
 * replaced by its own, but for the one that ends the input.
 */
export class WatermarkOperator<T> extends Operator<T, T> {
  readonly #options: WatermarkOptions<T>;
  readonly #timestampOf: TimestampAssigner<T> | undefined;
  readonly #intervalMs: number;
  #newest!: OperatorWatermark;
  #emitted = MIN_WATERMARK;
  #idle = false;
  #sawRecord = false;
  #lastRecordMs = 0;
  #closed = false;

  constructor(options: WatermarkOptions<T>, intervalMs: number) {
    super();
    this.#options = options;
    this.#timestampOf = options.timestampOf;
    this.#intervalMs = intervalMs;
  }

  override open(): void {
    const { context } = this;
    this.#newest = new OperatorWatermark(context, '@newest-timestamp');
    this.#lastRecordMs = context.clock.now();
    if (this.#newest.current !== MIN_WATERMARK) {
      // Not from here: what comes after this operator may not be open yet.
      context.enqueue(() => this.#emit());
    }
    this.#scheduleTick();
  }

  process(value: T, recordTimestamp: number): void {
    const timestamp = this.#timestampOf === undefined ? recordTimestamp : this.#assign(value, recordTimestamp);
    if (timestamp > this.#newest.current) {
      this.#newest.current = timestamp;
    } else if (timestamp === NO_TIMESTAMP) {
      throw this.#withoutTimestamp();
    }
    this.#sawRecord = true;
    if (this.#idle) {
      this.#setIdle(false);
    }
    this.next.process(value, timestamp);
  }

  #assign(value: T, recordTimestamp: number): number {
    const known = recordTimestamp === NO_TIMESTAMP ? undefined : recordTimestamp;
    const timestamp = this.#timestampOf!(value, known) as unknown;
    if (typeof timestamp !== 'number' || !Number.isFinite(timestamp)) {
      throw new MillraceError(
        'BAD_RECORD',
        `the timestamp assigner of operator '${this.context.operatorName}' returned ${String(timestamp)} (${typeof timestamp}); ` +
          'a timestamp is a number of milliseconds since 1970',
      );
    }
    return timestamp;
  }

  #withoutTimestamp(): MillraceError {
    return new MillraceError(
      'BAD_RECORD',
      `operator '${this.context.operatorName}' got a record without a timestamp; give the watermark strategy a timestamp ` +
        'assigner: withTimestampAssigner((value) => ...)',
    );
  }

  override processWatermark(watermark: number): void {
    if (watermark === MAX_WATERMARK && this.#emitted !== MAX_WATERMARK) {
      this.#emitted = MAX_WATERMARK;
      this.next.processWatermark(MAX_WATERMARK);
    }
  }

  override processIdle(idle: boolean): void {
    // Where this operator finds out by itself, a record ends the idleness.
    if (idle || this.#options.idlenessMs === undefined) {
      this.#setIdle(idle);
    }
  }

  #tick(): void {
    if (this.#closed) {
      return;
    }
    this.#emit();
    this.#checkIdleness();
    this.#scheduleTick();
  }

  #emit(): void {
    const watermark = this.#newest.current - this.#options.outOfOrdernessMs - 1;
    if (watermark > this.#emitted && !this.#closed) {
      this.#emitted = watermark;
      this.next.processWatermark(watermark);
    }
  }

  #checkIdleness(): void {
    const now = this.context.clock.now();
    if (this.#sawRecord) {
      this.#sawRecord = false;
      this.#lastRecordMs = now;
    }
    const { idlenessMs } = this.#options;
    if (idlenessMs !== undefined && now - this.#lastRecordMs >= idlenessMs) {
      this.#setIdle(true);
    }
  }

  #setIdle(idle: boolean): void {
    if (idle !== this.#idle) {
      if (idle) {
        // Nothing may come for long: what is known goes out now.
        this.#emit();
      }
      this.#idle = idle;
      this.next.processIdle(idle);
    }
  }

  /** An interval of 0 emits no watermark before the end. */
  #scheduleTick(): void {
    if (this.#intervalMs === 0) {
      return;
    }
    this.context.schedule(this.context.clock.now() + this.#intervalMs, () => this.#tick());
  }

  override snapshot(): void {
    this.#newest.snapshot();
  }

  override close(): void {
    this.#closed = true;
  }
}
