import { AllWindowedStream, EventTimeAllWindowedStream } from './all-windowed-stream.ts';
import { DataStreamSink } from './data-stream-sink.ts';
import { DataStream, SingleOutputStreamOperator } from './data-stream.ts';
import { KeyedStream } from './keyed-stream.ts';
import type { StreamFactory } from './stream-factory.ts';
import { EventTimeWindowedStream, WindowedStream } from './windowed-stream.ts';

/** The classes of the fluent API. They know each other through this, so that their files do not import in a circle. */
export const streamClasses: StreamFactory = {
  stream: (builder, edges) => new DataStream(builder, edges),
  output: (builder, node) => new SingleOutputStreamOperator(builder, node),
  sink: (builder, node) => new DataStreamSink(builder, node),
  keyed: (builder, edges, key) => new KeyedStream(builder, edges, key),
  windowed: (draft) => new WindowedStream(draft),
  eventTimeWindowed: (draft) => new EventTimeWindowedStream(draft),
  allWindowed: (draft) => new AllWindowedStream(draft),
  eventTimeAllWindowed: (draft) => new EventTimeAllWindowedStream(draft),
};
