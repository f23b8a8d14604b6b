import { MillraceError } from '../../foundation/common/errors.ts';
import type { Key, KeyedStateBackend } from '../../runtime/state/keyed-state.ts';
import { EventTimers } from './event-timers.ts';
import type { FunctionObject } from './function-object.ts';
import { FunctionOperator } from './function-operator.ts';
import type { KeySelector } from './key-selector.ts';
import { OperatorWatermark } from './operator-watermark.ts';
import { MAX_WATERMARK, NO_TIMESTAMP, type Downstream, type OperatorBehavior } from './operator.ts';
import { ProcessingTimers } from './processing-timers.ts';
import { windowStartOf, type TimeWindow, type TumblingWindows } from './time-window.ts';
import { windowContents, type WindowContents, type WindowFunction } from './window-contents.ts';

export interface LatePolicy {
  /** How long after its end a window still takes records and fires again with each. */
  readonly allowedLatenessMs: number;
  /** The side output for records that came too late even for that; without it they are counted and dropped. */
  readonly lateOutput: string | undefined;
}

/** Tumbling windows in event time or processing time. */
export class TimeWindowBehavior<In> implements OperatorBehavior {
  readonly kind = 'timeWindow';
  readonly key: KeySelector<In>;
  readonly windows: TumblingWindows;
  readonly fn: WindowFunction<In, TimeWindow>;
  readonly functionObject: FunctionObject | undefined;
  readonly late: LatePolicy;

  constructor(
    key: KeySelector<In>,
    windows: TumblingWindows,
    fn: WindowFunction<In, TimeWindow>,
    late: LatePolicy = { allowedLatenessMs: 0, lateOutput: undefined },
  ) {
    this.key = key;
    this.windows = windows;
    this.fn = fn;
    this.functionObject = fn.functionObject;
    this.late = late;
  }

  createOperator(): FunctionOperator<In, unknown> {
    return this.windows.domain === 'event' ? new EventTimeWindowOperator(this) : new ProcessingTimeWindowOperator(this);
  }
}

/** What both kinds of time windows do: keep panes by key and window start, and fire them. */
abstract class TimeWindowOperator<In> extends FunctionOperator<In, unknown> {
  protected readonly behavior: TimeWindowBehavior<In>;
  protected readonly keyOf: (value: In) => unknown;
  protected contents!: WindowContents<In>;

  constructor(behavior: TimeWindowBehavior<In>) {
    super(behavior.functionObject);
    this.behavior = behavior;
    this.keyOf = behavior.key.keyOf;
  }

  protected openContents(): KeyedStateBackend {
    const backend = this.context.keyedState();
    this.contents = windowContents(this.behavior.fn, backend, this.context.operatorName);
    return backend;
  }

  /** Results carry the last millisecond of the window as timestamp. */
  protected fire(key: Key, start: number): void {
    const { fn, windows } = this.behavior;
    const end = start + windows.sizeMs;
    const content = this.contents.read(key, start);
    if (fn.emit === undefined) {
      this.next.process(content, end - 1);
      return;
    }
    fn.emit(key, { start, end }, content as never, (value) => this.next.process(value, end - 1));
  }
}

/**
 * A window fires when the watermark reaches its last millisecond. Its state goes when the watermark is the allowed
 * lateness further; until then each late record fires it again.
 */
export class EventTimeWindowOperator<In> extends TimeWindowOperator<In> {
  #timers!: EventTimers;
  #watermark!: OperatorWatermark;
  #lateOutput: Downstream<unknown> | undefined;
  #lateRecordsDropped = 0;

  override open(): void | Promise<void> {
    const backend = this.openContents();
    this.#watermark = new OperatorWatermark(this.context, '@watermark');
    this.#timers = new EventTimers(backend.timers('window-timers'), this.context.operatorName, (key, timeMs) =>
      this.#onTimer(key, timeMs),
    );
    const { lateOutput } = this.behavior.late;
    this.#lateOutput = lateOutput === undefined ? undefined : this.context.sideOutput(lateOutput);
    return super.open();
  }

  process(value: In, timestamp: number): void {
    if (timestamp === NO_TIMESTAMP) {
      throw this.#withoutTimestamp();
    }
    const start = windowStartOf(this.behavior.windows, timestamp);
    const lastMs = start + this.behavior.windows.sizeMs - 1;
    const cleanupMs = lastMs + this.behavior.late.allowedLatenessMs;
    const watermark = this.#watermark.current;
    if (cleanupMs <= watermark) {
      this.#tooLate(value, timestamp);
      return;
    }
    const key = this.keyOf(value) as Key;
    const isNew = this.contents.add(key, start, value);
    if (lastMs <= watermark) {
      this.fire(key, start);
    } else if (isNew) {
      this.#timers.register(key, lastMs);
    }
    if (isNew && cleanupMs !== lastMs) {
      this.#timers.register(key, cleanupMs);
    }
  }

  override processWatermark(watermark: number): void {
    if (watermark <= this.#watermark.current) {
      return;
    }
    this.#watermark.current = watermark;
    this.#timers.advance(watermark);
    this.next.processWatermark(watermark);
  }

  /** One time may be the end of one window and the clean-up of an older one. */
  #onTimer(key: Key, timeMs: number): void {
    const { windows, late } = this.behavior;
    const ending = timeMs + 1 - windows.sizeMs;
    if (this.#isPane(key, ending)) {
      this.fire(key, ending);
    }
    const cleaned = ending - late.allowedLatenessMs;
    if (this.#isPane(key, cleaned)) {
      this.contents.delete(key, cleaned);
    }
  }

  #isPane(key: Key, start: number): boolean {
    return windowStartOf(this.behavior.windows, start) === start && this.contents.has(key, start);
  }

  #tooLate(value: In, timestamp: number): void {
    if (this.#lateOutput !== undefined) {
      this.#lateOutput.process(value, timestamp);
      return;
    }
    this.#lateRecordsDropped++;
    if (this.#lateRecordsDropped === 1) {
      this.context.logger.warn(
        `'${this.context.operatorName}' drops records that come after their window; they are counted as ` +
          'numLateRecordsDropped, allowedLateness and sideOutputLateData keep them',
        { timestamp, watermark: this.#watermark.current },
      );
    }
  }

  #withoutTimestamp(): MillraceError {
    return new MillraceError(
      'BAD_RECORD',
      `a record without a timestamp reached the event-time window of operator '${this.context.operatorName}'; ` +
        'call assignTimestampsAndWatermarks before it, or use processing-time windows',
    );
  }

  override counters(): Readonly<Record<string, number>> {
    return { numLateRecordsDropped: this.#lateRecordsDropped };
  }

  override snapshot(checkpointId: number): void {
    super.snapshot(checkpointId);
    this.#watermark.snapshot();
  }
}

/** A window fires when the clock of the machine reaches its end, or the input ends; it fires once. */
export class ProcessingTimeWindowOperator<In> extends TimeWindowOperator<In> {
  #timers!: ProcessingTimers;

  override open(): void | Promise<void> {
    const backend = this.openContents();
    this.#timers = new ProcessingTimers(backend.timers('window-timers'), this.context, (key, timeMs) =>
      this.#onTimer(key, timeMs),
    );
    this.#timers.start();
    return super.open();
  }

  process(value: In, _timestamp: number): void {
    const { windows } = this.behavior;
    const start = windowStartOf(windows, this.context.clock.now());
    const key = this.keyOf(value) as Key;
    if (this.contents.add(key, start, value)) {
      this.#timers.register(key, start + windows.sizeMs);
    }
  }

  #onTimer(key: Key, timeMs: number): void {
    const start = timeMs - this.behavior.windows.sizeMs;
    if (this.contents.has(key, start)) {
      this.fire(key, start);
      this.contents.delete(key, start);
    }
  }

  /** Nothing comes any more: what is in the last windows goes out instead of getting lost. */
  override endInput(): void {
    this.#timers.advance(MAX_WATERMARK);
  }

  override close(): void | Promise<void> {
    this.#timers?.stop();
    return super.close();
  }
}
