import type { KeyedStateStore } from '../../runtime/state/keyed-state.ts';
import type { FunctionObject, RuntimeContext } from './function-object.ts';
import type { OutputTag } from './output-tag.ts';

/** Where a process function puts its results. They carry the timestamp of the record or timer they come from. */
export interface Collector<Out> {
  collect(value: Out): void;
}

/** What a process function sees beside the record. Valid during the call only: it is one object, reused. */
export interface ProcessContext {
  /** The record's timestamp in milliseconds, `undefined` when it has none. */
  readonly timestamp: number | undefined;
  /** `-Infinity` before the first watermark, `Infinity` at the end of the input. */
  readonly currentWatermark: number;
  /** Milliseconds since 1970, of the machine's clock. */
  readonly currentProcessingTime: number;
  /** Emits to a side output, read with `stream.sideOutput(tag)`. */
  output<T>(tag: OutputTag<T>, value: NoInfer<T>): void;
}

/** Registers and deletes timers of the current key. They are state: they survive a restore. Each time fires once. */
export interface TimerService {
  /** Fires when the watermark reaches `timeMs`; one in the past at the next watermark. */
  registerEventTime(timeMs: number): void;
  deleteEventTime(timeMs: number): void;
  /** Fires when the clock reaches `timeMs`; after a restore those that are late fire at once, in order of time. */
  registerProcessingTime(timeMs: number): void;
  deleteProcessingTime(timeMs: number): void;
}

export interface KeyedProcessContext<K> extends ProcessContext {
  readonly currentKey: K;
  /** State of the current key, by name. */
  readonly state: KeyedStateStore;
  readonly timers: TimerService;
}

export interface OnTimerContext<K> extends KeyedProcessContext<K> {
  readonly timeDomain: 'event' | 'processing';
}

export interface KeyedRuntimeContext extends RuntimeContext {
  /** States asked for here may be kept in fields: they always speak of the current key. */
  readonly state: KeyedStateStore;
}

/** `void | undefined` and not `void`, so that an async function is a compile error: use `asyncMap` for those. */
export type Synchronous = void | undefined;

export interface RichProcessFunction<In, Out> extends FunctionObject {
  process(value: In, context: ProcessContext, out: Collector<Out>): Synchronous;
}

export type ProcessFunction<In, Out> =
  | ((value: In, context: ProcessContext, out: Collector<Out>) => Synchronous)
  | RichProcessFunction<In, Out>;

export interface RichKeyedProcessFunction<K, In, Out> extends Omit<FunctionObject, 'open'> {
  open?(context: KeyedRuntimeContext): void | Promise<void>;
  process(value: In, context: KeyedProcessContext<K>, out: Collector<Out>): Synchronous;
  onTimer?(timestamp: number, context: OnTimerContext<K>, out: Collector<Out>): Synchronous;
}

export type KeyedProcessFunction<K, In, Out> =
  | ((value: In, context: KeyedProcessContext<K>, out: Collector<Out>) => Synchronous)
  | RichKeyedProcessFunction<K, In, Out>;
