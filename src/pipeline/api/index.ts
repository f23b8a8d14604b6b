export { job, type JobDefinition, type StreamGraphAndSettings } from './job.ts';
export { StreamExecutionEnvironment, type CheckpointingOptions } from './stream-execution-environment.ts';
export type { RestartStrategy } from './restart-strategy.ts';

export { DataStream, SingleOutputStreamOperator, type AsyncMapOptions, type RecordOf } from './data-stream.ts';
export { DataStreamSink } from './data-stream-sink.ts';
export { KeyedStream } from './keyed-stream.ts';
export {
  EventTimeWindowedStream,
  WindowedStream,
  type ProcessWindowFunction,
  type WindowCount,
  type WindowResultFunction,
} from './windowed-stream.ts';
export {
  AllWindowedStream,
  EventTimeAllWindowedStream,
  type AllWindowResultFunction,
  type ProcessAllWindowFunction,
} from './all-windowed-stream.ts';
export { TumblingEventTimeWindows, TumblingProcessingTimeWindows } from './tumbling-windows.ts';
export { WatermarkStrategy } from './watermark-strategy.ts';

export { OutputTag } from '../operators/output-tag.ts';
export type { FunctionObject, RuntimeContext } from '../operators/function-object.ts';
export type { MapFunction, RichMapFunction } from '../operators/map-operator.ts';
export type { FilterFunction, RichFilterFunction } from '../operators/filter-operator.ts';
export type { FlatMapFunction, RichFlatMapFunction } from '../operators/flat-map-operator.ts';
export type { AsyncMapFunction, RichAsyncMapFunction } from '../operators/async-map-operator.ts';
export type { ReduceFunction, RichReduceFunction } from '../operators/reduce-operator.ts';
export type { KeyCount } from '../operators/count-operator.ts';
export type { CountWindow, TimeWindow } from '../operators/time-window.ts';
export type { TimestampAssigner } from '../operators/watermark-operator.ts';
export type {
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  KeyedRuntimeContext,
  OnTimerContext,
  ProcessContext,
  ProcessFunction,
  RichKeyedProcessFunction,
  RichProcessFunction,
  TimerService,
} from '../operators/process-function.ts';
export type {
  AggregateFunction,
  AggregatingState,
  Key,
  KeyedStateStore,
  ListState,
  ListStateOfOperator,
  MapState,
  OperatorStateStore,
  ReducingState,
  ValueState,
} from '../../runtime/state/keyed-state.ts';

export type { Sink } from '../connectors/sink.ts';
export type { Source } from '../connectors/source.ts';
export { MillraceError, type ErrorCode } from '../../foundation/common/errors.ts';
export type { Duration } from '../../foundation/common/duration.ts';
export type { Logger } from '../../foundation/common/logger.ts';
