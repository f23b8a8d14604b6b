import type { OperatorId } from '../../foundation/common/ids.ts';

/** How records travel from one node to the next. The functions stay in the process; the job graph has only `kind`. */
export type Partitioning =
  | { readonly kind: 'forward' }
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'rescale' }
  | { readonly kind: 'broadcast' }
  | { readonly kind: 'global' }
  | { readonly kind: 'hash'; readonly keyOf: (value: unknown) => unknown }
  | {
      readonly kind: 'custom';
      readonly keyOf: (value: unknown) => unknown;
      readonly partition: (key: unknown, channels: number) => number;
    };

export interface StreamEdge {
  readonly from: StreamNode;
  /** The side output that feeds this edge; the main output when missing. */
  readonly sideOutput?: string;
  /** `undefined`: forward where the parallelism is equal, else rebalance. */
  readonly partitioning: Partitioning | undefined;
}

/** One operator as the builder drew it. `behavior` is what the runtime creates it from; the graph does not look inside. */
export interface StreamNode {
  readonly index: number;
  readonly kind: 'source' | 'operator' | 'sink';
  /** The operator's kind in messages and docs, such as `map` or `countWindow`. */
  readonly operator: string;
  readonly behavior: object;
  readonly inputs: readonly StreamEdge[];
  name: string;
  uid: string | undefined;
  parallelism: number | undefined;
  maxParallelism: number | undefined;
  /** No chaining with what comes before, after. */
  chaining: { before: boolean; after: boolean };
  slotSharingGroup: string | undefined;
  readonly stateful: boolean;
  /** The parallelism cannot be anything else (`windowAll`). */
  readonly fixedParallelism?: number;
  /** A source that has work for so many subtasks. */
  readonly parallelismLimit?: number;
  /** Enumerator and boundedness of a source, as plain data. */
  readonly source?: SourcePlan;
  readonly sink?: SinkPlan;
}

/** The part of a source that the JobManager needs: which enumerator, with which configuration. */
export interface SourcePlan {
  /** A registered enumerator, such as `static-splits` or `file`. */
  readonly enumerator: string;
  /** Plain JSON. */
  readonly config: unknown;
  readonly bounded: boolean;
}

/** The part of a sink that the JobManager needs. */
export interface SinkPlan {
  /** See `SinkBehavior`. */
  readonly bearsRepeats: boolean;
}

export interface StreamGraph {
  readonly name: string;
  readonly nodes: readonly StreamNode[];
}

export type OperatorIds = ReadonlyMap<StreamNode, OperatorId>;
