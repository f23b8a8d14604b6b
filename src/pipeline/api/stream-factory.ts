import type { StreamEdge, StreamNode } from '../graph/stream-graph.ts';
import type { KeySelector } from '../operators/key-selector.ts';
import type { DataStream, SingleOutputStreamOperator } from './data-stream.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { KeyedStream } from './keyed-stream.ts';
import type { AllWindowedStream, EventTimeAllWindowedStream } from './all-windowed-stream.ts';
import type { WindowDraft } from './window-draft.ts';
import type { EventTimeWindowedStream, WindowedStream } from './windowed-stream.ts';
import type { DataStreamSink } from './data-stream-sink.ts';

/** Makes the streams of the fluent API, which make each other: keyed streams from streams, streams from windows. */
export interface StreamFactory {
  stream<T>(builder: GraphBuilder, edges: readonly StreamEdge[]): DataStream<T>;
  output<T>(builder: GraphBuilder, node: StreamNode): SingleOutputStreamOperator<T>;
  sink<T>(builder: GraphBuilder, node: StreamNode): DataStreamSink<T>;
  keyed<T, K>(builder: GraphBuilder, edges: readonly StreamEdge[], key: KeySelector<T, K>): KeyedStream<T, K>;
  windowed<T, K, W>(draft: WindowDraft): WindowedStream<T, K, W>;
  eventTimeWindowed<T, K>(draft: WindowDraft): EventTimeWindowedStream<T, K>;
  allWindowed<T, W>(draft: WindowDraft): AllWindowedStream<T, W>;
  eventTimeAllWindowed<T>(draft: WindowDraft): EventTimeAllWindowedStream<T>;
}
