import type { StreamNode } from '../graph/stream-graph.ts';
import type { GraphBuilder } from './graph-builder.ts';

/** The end of a stream. */
export class DataStreamSink<T> {
  declare protected readonly recordType: T;
  readonly #builder: GraphBuilder;
  readonly #node: StreamNode;

  constructor(builder: GraphBuilder, node: StreamNode) {
    this.#builder = builder;
    this.#node = node;
  }

  /** As `SingleOutputStreamOperator.name`. */
  name(name: string): this {
    this.#builder.setName(this.#node, name);
    return this;
  }

  /** As `SingleOutputStreamOperator.uid`. */
  uid(uid: string): this {
    this.#builder.setUid(this.#node, uid);
    return this;
  }

  setParallelism(parallelism: number): this {
    this.#builder.setParallelism(this.#node, parallelism);
    return this;
  }

  setMaxParallelism(maxParallelism: number): this {
    this.#builder.setMaxParallelism(this.#node, maxParallelism);
    return this;
  }

  disableChaining(): this {
    this.#builder.disableChaining(this.#node, { before: true, after: true });
    return this;
  }

  slotSharingGroup(group: string): this {
    this.#builder.setSlotSharingGroup(this.#node, group);
    return this;
  }
}
