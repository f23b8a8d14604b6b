import { parseDuration, type Duration } from '../../foundation/common/duration.ts';
import type { TimestampAssigner, WatermarkOptions } from '../operators/watermark-operator.ts';

/**
 * Where records get their timestamps from and how far behind the newest one others may come.
 *
 * ```ts
 * orders.assignTimestampsAndWatermarks(
 *   WatermarkStrategy.forBoundedOutOfOrderness('5s')
 *     .withTimestampAssigner((order: Order) => order.time)
 *     .withIdleness('1min'),
 * );
 * ```
 */
export class WatermarkStrategy<T> {
  readonly options: WatermarkOptions<T>;

  private constructor(options: WatermarkOptions<T>) {
    this.options = options;
  }

  /** Timestamps never go back within a subtask. */
  static forMonotonousTimestamps<T>(): WatermarkStrategy<T> {
    return WatermarkStrategy.#of(0);
  }

  /** A record may be older than the newest one by up to `maxOutOfOrderness`; what comes later still is late. */
  static forBoundedOutOfOrderness<T>(maxOutOfOrderness: Duration): WatermarkStrategy<T> {
    return WatermarkStrategy.#of(parseDuration(maxOutOfOrderness, 'the out-of-orderness'));
  }

  static #of<T>(outOfOrdernessMs: number): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>({ timestampOf: undefined, outOfOrdernessMs, idlenessMs: undefined });
  }

  /** Milliseconds since 1970; without it records keep the timestamp of the source. */
  withTimestampAssigner<In>(timestampOf: TimestampAssigner<In>): WatermarkStrategy<In> {
    return new WatermarkStrategy<In>({ ...this.options, timestampOf });
  }

  /** After this time without a record a subtask no longer holds back the watermark of the others. */
  withIdleness(idleTimeout: Duration): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>({ ...this.options, idlenessMs: parseDuration(idleTimeout, 'the idle timeout') });
  }
}
