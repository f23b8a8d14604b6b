import { MillraceError } from '../../foundation/common/errors.ts';
import { executionOptions } from '../../foundation/config/options/execution-options.ts';
import { requireParallelismFits } from '../graph/require-parallelism-fits.ts';
import type { SinkPlan, SourcePlan, StreamEdge, StreamNode } from '../graph/stream-graph.ts';
import type { OperatorBehavior } from '../operators/operator.ts';
import { hasFunctionObject, PerSubtaskBehavior } from '../operators/per-subtask-behavior.ts';
import type { StreamFactory } from './stream-factory.ts';

const MAX_PARALLELISM = executionOptions.maxParallelism.type;

/** What differs from node to node when it is drawn. */
export interface NodeDraft {
  readonly kind: StreamNode['kind'];
  readonly operator: string;
  readonly behavior: object;
  readonly inputs: readonly StreamEdge[];
  readonly stateful: boolean;
  readonly name?: string;
  readonly parallelism?: number | undefined;
  readonly fixedParallelism?: number;
  readonly source?: SourcePlan;
  readonly sink?: SinkPlan;
  /** More subtasks than this make no sense. */
  readonly parallelismLimit?: number | undefined;
}

export interface GraphBuilderOptions {
  readonly jobName: string;
  readonly streams: StreamFactory;
  readonly configuration: Readonly<Record<string, string>>;
  /** Runs the job's builder once more. */
  readonly drawAgain: () => GraphBuilder;
}

/** Collects the nodes that the fluent API draws; checks what is said about each at once. */
export class GraphBuilder {
  readonly jobName: string;
  readonly streams: StreamFactory;
  readonly nodes: StreamNode[] = [];
  readonly warnings: string[] = [];
  readonly #settings = new Map<string, string>();
  readonly #configuration: Readonly<Record<string, string>>;
  readonly #drawAgain: () => GraphBuilder;
  readonly #collectNames = new Set<string>();
  #isFinished = false;

  constructor(options: GraphBuilderOptions) {
    this.jobName = options.jobName;
    this.streams = options.streams;
    this.#configuration = options.configuration;
    this.#drawAgain = options.drawAgain;
  }

  add(draft: NodeDraft): StreamNode {
    this.#checkOpen(`add operator '${draft.name ?? draft.operator}'`);
    this.#checkCollectName(draft);
    const index = this.nodes.length;
    const { behavior } = draft;
    const node: StreamNode = {
      index,
      kind: draft.kind,
      operator: draft.operator,
      behavior: hasFunctionObject(behavior)
        ? new PerSubtaskBehavior(behavior, () => this.#behaviorDrawnAgain(node))
        : behavior,
      inputs: draft.inputs,
      name: draft.name ?? draft.operator,
      uid: undefined,
      parallelism: draft.parallelism,
      maxParallelism: undefined,
      chaining: { before: true, after: true },
      slotSharingGroup: undefined,
      stateful: draft.stateful,
      ...(draft.fixedParallelism === undefined ? {} : { fixedParallelism: draft.fixedParallelism }),
      ...(draft.parallelismLimit === undefined ? {} : { parallelismLimit: draft.parallelismLimit }),
      ...(draft.source === undefined ? {} : { source: draft.source }),
      ...(draft.sink === undefined ? {} : { sink: draft.sink }),
    };
    this.nodes.push(node);
    return node;
  }

  /** The caller tells collecting sinks apart by their names. */
  #checkCollectName({ kind, operator, name }: NodeDraft): void {
    if (kind !== 'sink' || operator !== 'collect' || name === undefined) {
      return;
    }
    if (this.#collectNames.has(name)) {
      throw new MillraceError('BAD_JOB', `job '${this.jobName}' has two sinks '${name}'; each needs a name of its own`);
    }
    this.#collectNames.add(name);
  }

  #behaviorDrawnAgain(node: StreamNode): OperatorBehavior {
    const again = this.#drawAgain().nodes[node.index];
    if (again?.operator !== node.operator) {
      throw new MillraceError(
        'GRAPH_MISMATCH',
        `the builder of job '${this.jobName}' draws another graph each time: operator ${node.index} was '${node.name}', ` +
          `now it is ${again === undefined ? 'missing' : `'${again.name}'`}; let the graph depend on the arguments only`,
      );
    }
    return again.behavior as OperatorBehavior;
  }

  setName(node: StreamNode, name: string): void {
    this.#checkText(node, 'name', name);
    node.name = name;
  }

  setUid(node: StreamNode, uid: string): void {
    this.#checkText(node, 'uid', uid);
    node.uid = uid;
  }

  setSlotSharingGroup(node: StreamNode, group: string): void {
    this.#checkText(node, 'slot sharing group', group);
    node.slotSharingGroup = group;
  }

  setParallelism(node: StreamNode, parallelism: number): void {
    this.checkParallelism(`the parallelism of operator '${node.name}'`, parallelism);
    requireParallelismFits(node, parallelism);
    node.parallelism = parallelism;
  }

  setMaxParallelism(node: StreamNode, maxParallelism: number): void {
    this.checkParallelism(`the max parallelism of operator '${node.name}'`, maxParallelism);
    node.maxParallelism = maxParallelism;
  }

  checkParallelism(what: string, value: number): void {
    this.#checkOpen(`set ${what}`);
    if (MAX_PARALLELISM.parse(String(value)) !== value) {
      throw new MillraceError('BAD_JOB', `${what} is ${String(value)}; allowed: ${MAX_PARALLELISM.allowed}`);
    }
  }

  disableChaining(node: StreamNode, sides: { readonly before: boolean; readonly after: boolean }): void {
    this.#checkOpen(`change the chaining of operator '${node.name}'`);
    node.chaining = {
      before: node.chaining.before && !sides.before,
      after: node.chaining.after && !sides.after,
    };
  }

  configure(key: string, value: string): void {
    this.#checkOpen(`set ${key}`);
    this.#settings.set(key, value);
  }

  /** What the builder set, else what it was called with. */
  setting(key: string): string | undefined {
    return this.#settings.get(key) ?? this.#configuration[key];
  }

  get settings(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#settings);
  }

  finish(): void {
    this.#isFinished = true;
    const parallelism = Number(this.setting(executionOptions.parallelism.key) ?? 1);
    for (const node of this.nodes) {
      if (node.parallelism === undefined && parallelism > (node.parallelismLimit ?? Infinity)) {
        node.parallelism = node.parallelismLimit;
      }
    }
    this.#warnOfLooseEnds();
  }

  /** An operator that leads to no sink runs, and what it emits is lost. */
  #warnOfLooseEnds(): void {
    const read = new Set(this.nodes.flatMap((node) => node.inputs.map((edge) => edge.from)));
    for (const node of this.nodes) {
      if (node.kind !== 'sink' && !read.has(node)) {
        this.warnings.push(
          `nothing reads what operator '${node.name}' emits; end its stream with .to(sink), .print() or .blackhole()`,
        );
      }
    }
  }

  #checkText(node: StreamNode, what: string, text: string): void {
    this.#checkOpen(`set the ${what} of operator '${node.name}'`);
    if (typeof text !== 'string' || text === '') {
      throw new MillraceError('BAD_JOB', `the ${what} of operator '${node.name}' is empty`);
    }
  }

  #checkOpen(action: string): void {
    if (this.#isFinished) {
      throw new MillraceError(
        'BAD_JOB',
        `cannot ${action}: the builder of job '${this.jobName}' has returned; draw the whole job before it returns, ` +
          'without promises or timers',
      );
    }
  }
}
