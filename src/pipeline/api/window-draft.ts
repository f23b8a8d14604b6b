import { parseDuration } from '../../foundation/common/duration.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import { executionOptions } from '../../foundation/config/options/execution-options.ts';
import type { StreamEdge } from '../graph/stream-graph.ts';
import { CountWindowBehavior } from '../operators/count-window-operator.ts';
import { ALL_RECORDS, type KeySelector } from '../operators/key-selector.ts';
import type { OperatorBehavior } from '../operators/operator.ts';
import type { CountWindow, TimeWindow, TumblingWindows } from '../operators/time-window.ts';
import { TimeWindowBehavior, type LatePolicy } from '../operators/time-window-operator.ts';
import type { WindowFunction } from '../operators/window-contents.ts';
import type { SingleOutputStreamOperator } from './data-stream.ts';
import type { GraphBuilder } from './graph-builder.ts';

export type WindowKind =
  | { readonly kind: 'count'; readonly size: number }
  | { readonly kind: 'time'; readonly windows: TumblingWindows };

/** Everything about a windowed stream but what is done with the records of a window. */
export interface WindowDraft {
  readonly builder: GraphBuilder;
  readonly edges: readonly StreamEdge[];
  readonly key: KeySelector<unknown>;
  /** All records in one subtask. */
  readonly isGlobal: boolean;
  readonly window: WindowKind;
  readonly late: LatePolicy;
}

const NO_LATENESS: LatePolicy = { allowedLatenessMs: 0, lateOutput: undefined };

export const keyedWindow = (
  builder: GraphBuilder,
  edges: readonly StreamEdge[],
  key: KeySelector<never>,
  window: WindowKind,
): WindowDraft => ({
  builder,
  edges,
  key: key as KeySelector<unknown>,
  isGlobal: false,
  window,
  late: NO_LATENESS,
});

export const allRecordsWindow = (
  builder: GraphBuilder,
  edges: readonly StreamEdge[],
  window: WindowKind,
): WindowDraft => ({
  builder,
  edges: edges.map((edge) => ({ ...edge, partitioning: { kind: 'global' } })),
  key: ALL_RECORDS,
  isGlobal: true,
  window,
  late: NO_LATENESS,
});

export const countWindowSize = (size: number): number => {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new MillraceError('BAD_JOB', `a count window of ${size} records; allowed: a whole number from 1 on`);
  }
  return size;
};

/** Draws the operator of a windowed stream. */
export const drawWindow = <Out>(
  draft: WindowDraft,
  fn: WindowFunction<never, never>,
): SingleOutputStreamOperator<Out> => {
  const { builder, window, isGlobal } = draft;
  const behavior = behaviorOf(draft, fn);
  const node = builder.add({
    kind: 'operator',
    operator: `${window.kind}Window${isGlobal ? 'All' : ''}`,
    behavior,
    inputs: draft.edges,
    stateful: true,
    ...(isGlobal ? { fixedParallelism: 1 } : {}),
  });
  return builder.streams.output<Out>(builder, node);
};

const behaviorOf = ({ key, window, late }: WindowDraft, fn: WindowFunction<never, never>): OperatorBehavior =>
  window.kind === 'count'
    ? new CountWindowBehavior(key, window.size, fn as WindowFunction<unknown, CountWindow>)
    : new TimeWindowBehavior(key, window.windows, fn as WindowFunction<unknown, TimeWindow>, late);

export const autoWatermarkIntervalMs = (builder: GraphBuilder): number => {
  const { key, default: defaultMs } = executionOptions.autoWatermarkInterval;
  const set = builder.setting(key);
  return set === undefined ? defaultMs : parseDuration(set, key);
};
