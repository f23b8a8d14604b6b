export type { AbortScope, Prepared, Sink, SinkWriterContext } from '../sink.ts';
export type { EnumeratorDecision, EnumeratorFactory, Source, Split, SplitEnumerator } from '../source.ts';
export { sink, type SinkDefinition, type SinkFactory, type SinkFunctions, type SinkOptions } from './custom-sink.ts';
export {
  source,
  type CustomSourceOptions,
  type FindSplits,
  type PositionedSource,
  type SplitContext,
  type UnpositionedSource,
} from './custom-source.ts';
