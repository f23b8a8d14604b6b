import { MillraceError } from '../../foundation/common/errors.ts';
import type { Key, KeyedStateBackend, KeyedStateStore } from '../../runtime/state/keyed-state.ts';
import { EventTimers } from './event-timers.ts';
import { closeFunction, openFunction } from './function-object.ts';
import type { KeySelector } from './key-selector.ts';
import { OperatorWatermark } from './operator-watermark.ts';
import { NO_TIMESTAMP, Operator, type Downstream, type OperatorBehavior, type OperatorContext } from './operator.ts';
import type {
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  OnTimerContext,
  RichKeyedProcessFunction,
  Synchronous,
  TimerService,
} from './process-function.ts';
import { ProcessScope } from './process-operator.ts';
import { ProcessingTimers } from './processing-timers.ts';

export class KeyedProcessBehavior<K, In, Out> implements OperatorBehavior {
  readonly kind = 'keyedProcess';
  readonly key: KeySelector<In, K>;
  readonly fn: (value: In, context: KeyedProcessContext<K>, out: Collector<Out>) => Synchronous;
  readonly functionObject: RichKeyedProcessFunction<K, In, Out> | undefined;

  constructor(key: KeySelector<In, K>, fn: KeyedProcessFunction<K, In, Out>) {
    this.key = key;
    this.fn = typeof fn === 'function' ? fn : fn.process.bind(fn);
    this.functionObject = typeof fn === 'function' ? undefined : fn;
  }

  createOperator(): KeyedProcessOperator<K, In, Out> {
    return new KeyedProcessOperator(this);
  }
}

export class KeyedProcessOperator<K, In, Out> extends Operator<In, Out> {
  readonly #object: RichKeyedProcessFunction<K, In, Out> | undefined;
  readonly #fn: (value: In, context: KeyedProcessContext<K>, out: Collector<Out>) => Synchronous;
  readonly #keyOf: (value: In) => K;
  #backend!: KeyedStateBackend;
  #scope!: KeyedProcessScope<K, Out>;
  #eventTimers!: EventTimers;
  #processingTimers!: ProcessingTimers;
  #watermark!: OperatorWatermark;

  constructor(behavior: KeyedProcessBehavior<K, In, Out>) {
    super();
    this.#object = behavior.functionObject;
    this.#fn = behavior.fn;
    this.#keyOf = behavior.key.keyOf;
  }

  override open(): void | Promise<void> {
    const { context } = this;
    const backend = context.keyedState();
    this.#backend = backend;
    this.#watermark = new OperatorWatermark(context, '@watermark');
    // The names of user states share one space with these.
    this.#eventTimers = new EventTimers(backend.timers('@event-timers'), context.operatorName, (key, timeMs) =>
      this.#onTimer('event', key, timeMs),
    );
    this.#processingTimers = new ProcessingTimers(backend.timers('@processing-timers'), context, (key, timeMs) =>
      this.#onTimer('processing', key, timeMs),
    );
    const timers = new ScopedTimers(backend, this.#eventTimers, this.#processingTimers, {
      operatorName: context.operatorName,
      hasOnTimer: this.#object?.onTimer !== undefined,
    });
    this.#scope = new KeyedProcessScope<K, Out>(context, this.next, backend, timers);
    this.#scope.currentWatermark = this.#watermark.current;
    this.#processingTimers.start();
    return openFunction(this.#object, context, { state: backend });
  }

  process(value: In, timestamp: number): void {
    const scope = this.#scope;
    this.#backend.setCurrentKey(this.#keyOf(value) as Key);
    scope.time = timestamp;
    this.#fn(value, scope, scope);
  }

  override processWatermark(watermark: number): void {
    if (watermark <= this.#watermark.current) {
      return;
    }
    this.#watermark.current = watermark;
    this.#scope.currentWatermark = watermark;
    this.#eventTimers.advance(watermark);
    this.next.processWatermark(watermark);
  }

  #onTimer(timeDomain: 'event' | 'processing', key: Key, timeMs: number): void {
    const scope = this.#scope;
    this.#backend.setCurrentKey(key);
    // What a processing-time timer emits has no place in event time.
    scope.time = timeDomain === 'event' ? timeMs : NO_TIMESTAMP;
    scope.timeDomain = timeDomain;
    this.#object?.onTimer?.(timeMs, scope, scope);
  }

  override snapshot(checkpointId: number): void {
    this.#object?.snapshot?.(checkpointId);
    this.#watermark.snapshot();
  }

  override close(): void | Promise<void> {
    this.#processingTimers?.stop();
    return closeFunction(this.#object, this.context);
  }
}

class KeyedProcessScope<K, Out> extends ProcessScope<Out> implements OnTimerContext<K> {
  readonly #backend: KeyedStateBackend;
  readonly timers: TimerService;
  timeDomain: 'event' | 'processing' = 'event';

  constructor(context: OperatorContext, next: Downstream<Out>, backend: KeyedStateBackend, timers: TimerService) {
    super(context, next);
    this.#backend = backend;
    this.timers = timers;
  }

  get state(): KeyedStateStore {
    return this.#backend;
  }

  get currentKey(): K {
    return this.#backend.currentKey as K;
  }
}

/** Timers of the current key, checked before they get into state. */
class ScopedTimers implements TimerService {
  readonly #backend: KeyedStateBackend;
  readonly #eventTimers: EventTimers;
  readonly #processingTimers: ProcessingTimers;
  readonly #owner: { readonly operatorName: string; readonly hasOnTimer: boolean };

  constructor(
    backend: KeyedStateBackend,
    eventTimers: EventTimers,
    processingTimers: ProcessingTimers,
    owner: { readonly operatorName: string; readonly hasOnTimer: boolean },
  ) {
    this.#backend = backend;
    this.#eventTimers = eventTimers;
    this.#processingTimers = processingTimers;
    this.#owner = owner;
  }

  registerEventTime(timeMs: number): void {
    this.#check(timeMs);
    this.#eventTimers.register(this.#backend.currentKey, timeMs);
  }

  deleteEventTime(timeMs: number): void {
    this.#eventTimers.delete(this.#backend.currentKey, timeMs);
  }

  registerProcessingTime(timeMs: number): void {
    this.#check(timeMs);
    this.#processingTimers.register(this.#backend.currentKey, timeMs);
  }

  deleteProcessingTime(timeMs: number): void {
    this.#processingTimers.delete(this.#backend.currentKey, timeMs);
  }

  #check(timeMs: number): void {
    if (!this.#owner.hasOnTimer) {
      throw new MillraceError(
        'BAD_JOB',
        `operator '${this.#owner.operatorName}' registers a timer, but its function has no onTimer; ` +
          'pass an object with process and onTimer',
      );
    }
    if (!Number.isFinite(timeMs)) {
      throw new MillraceError(
        'BAD_JOB',
        `operator '${this.#owner.operatorName}' registers a timer at ${String(timeMs)}; a time is a finite number of ` +
          'milliseconds since 1970',
      );
    }
  }
}
