import { present } from '../../../foundation/common/assert.ts';
import type { OperatorId } from '../../../foundation/common/ids.ts';
import type { JobVertex } from '../../../pipeline/graph/job-graph.ts';
import type { Translation } from '../../../pipeline/graph/translate.ts';
import type { Downstream, Operator, OperatorBehavior, OperatorContext } from '../../../pipeline/operators/operator.ts';
import { DISCARD, FanOut, MainOutput, linkTo } from './chain-link.ts';
import type { ChainLink, LinkOwner } from './chain-link.ts';
import { attributeTo } from './operator-failure.ts';
import type { ResultWriter } from './result-writer.ts';

/** One operator of the chain; the head of a source chain has a reader instead of an operator. */
export interface ChainMember extends LinkOwner {
  readonly operatorId: OperatorId;
  readonly kind: string;
  readonly operator: Operator | undefined;
  readonly link: ChainLink | undefined;
}

export interface OutputOfChain {
  readonly fromOperator: OperatorId;
  readonly sideOutput: string | undefined;
  readonly writer: ResultWriter;
}

export interface ChainOptions {
  readonly vertex: JobVertex;
  readonly translation: Translation;
  readonly outputs: readonly OutputOfChain[];
  readonly contextOf: (
    operatorId: OperatorId,
    operatorName: string,
    sideOutput: (tag: string) => Downstream<unknown>,
  ) => OperatorContext;
}

/** The operators of one subtask, wired; members are in topological order. */
export class OperatorChain {
  readonly members: readonly ChainMember[];
  readonly writers: readonly ResultWriter[];
  /** Where records of the input go: the head operator, or what follows the source. */
  readonly entry: ChainLink;
  readonly #sinks: readonly ChainLink[];
  readonly #operators: readonly (ChainMember & { readonly operator: Operator })[];

  constructor(options: ChainOptions) {
    const { vertex, translation } = options;
    const members = new Map<OperatorId, ChainMember>();
    this.writers = options.outputs.map((output) => output.writer);
    // From the last operator to the first: what an operator pushes into must be there before it.
    for (const { id, name, kind } of vertex.operators.toReversed()) {
      const targetsOf = (tag: string | undefined): Downstream<unknown> => {
        const chained = (translation.chained.get(id) ?? []).filter((edge) => edge.sideOutput === tag);
        const links = chained.map((edge) => present(members.get(edge.to)?.link, 'chained operator'));
        const writers = options.outputs.filter((output) => output.fromOperator === id && output.sideOutput === tag);
        return joined([...links, ...writers.map((output) => output.writer)]);
      };
      const node = present(translation.nodeOf.get(id), `operator ${name}`);
      if (node.kind === 'source') {
        const owner = { operatorName: name };
        const link = linkTo(targetsOf(undefined), owner);
        members.set(id, { ...owner, operatorId: id, kind, operator: undefined, link });
        continue;
      }
      const operator = (node.behavior as OperatorBehavior).createOperator() as Operator;
      const owner = { operatorName: name };
      const sides = sideOutputsOf(id, options).map((tag) => targetsOf(tag));
      const main = targetsOf(undefined);
      operator.setup(options.contextOf(id, name, targetsOf), sides.length === 0 ? main : new MainOutput(main, sides));
      members.set(id, { ...owner, operatorId: id, kind, operator, link: linkTo(operator, owner) });
    }
    this.members = vertex.operators.map(({ id }) => present(members.get(id), 'member'));
    this.entry = present(this.members[0]?.link, 'head');
    this.#sinks = this.members.flatMap(({ operatorId, link }) =>
      link !== undefined && translation.nodeOf.get(operatorId)?.kind === 'sink' ? [link] : [],
    );
    this.#operators = this.members.flatMap((member) =>
      member.operator === undefined ? [] : [{ ...member, operator: member.operator }],
    );
  }

  /** Records that reached sinks of this chain. */
  get recordsToSinks(): number {
    return this.#sinks.reduce((sum, sink) => sum + sink.count, 0);
  }

  /** What operators count themselves, by operator id; those that do. */
  get counters(): Readonly<Record<OperatorId, Readonly<Record<string, number>>>> {
    return Object.fromEntries(
      this.#operators
        .map(({ operatorId, operator }) => [operatorId, operator.counters()] as const)
        .filter(([, counters]) => Object.keys(counters).length > 0),
    );
  }

  /** From the last to the first, so that nobody pushes into what is not open; stops in between when `goesOn` says so. */
  async open(goesOn: () => boolean): Promise<void> {
    for (const member of this.#operators.toReversed()) {
      if (!goesOn()) {
        return;
      }
      await attributed(member, () => member.operator.open());
    }
  }

  /** True while an output waits for credit: nothing may be emitted then. */
  isBlocked(): boolean {
    for (const writer of this.writers) {
      if (writer.isBlocked) {
        return true;
      }
    }
    return false;
  }

  /** True when every operator takes another batch. */
  isAvailable(): boolean {
    for (const { operator } of this.#operators) {
      if (!operator.isAvailable()) {
        return false;
      }
    }
    return true;
  }

  /** From the first to the last: what one emits at its end, the next still gets. */
  async endInput(): Promise<void> {
    for (const member of this.#operators) {
      await attributed(member, () => member.operator.endInput());
    }
  }

  /** Returns a promise only where an operator has to wait. */
  prepareSnapshot(checkpointId: number): Promise<void> | undefined {
    for (let index = 0; index < this.#operators.length; index++) {
      const member = this.#operators[index]!;
      const waiting = this.#call(member, () => member.operator.prepareSnapshot(checkpointId));
      if (waiting !== undefined) {
        return this.#prepareRest(member, waiting, index + 1, checkpointId);
      }
    }
    return undefined;
  }

  snapshot(checkpointId: number): void {
    for (const member of this.#operators) {
      this.#call(member, () => member.operator.snapshot(checkpointId));
    }
  }

  async checkpointCompleted(checkpointId: number): Promise<void> {
    for (const member of this.#operators) {
      await attributed(member, () => member.operator.checkpointCompleted(checkpointId));
    }
  }

  broadcast(event: Parameters<ResultWriter['broadcast']>[0]): void {
    for (const writer of this.writers) {
      writer.broadcast(event);
    }
  }

  /** Runs when the end of the partition, and so everything before it, has gone out to every receiver. */
  whenDelivered(run: () => void): void {
    let open = this.writers.length;
    if (open === 0) {
      run();
    }
    for (const writer of this.writers) {
      writer.whenClosed(() => {
        open--;
        if (open === 0) {
          run();
        }
      });
    }
  }

  /** Closes every operator, even when one of them throws; the first error counts. */
  async close(): Promise<void> {
    let first: unknown;
    for (const member of this.#operators) {
      try {
        await attributed(member, () => member.operator.close());
      } catch (thrown) {
        first ??= thrown;
      }
    }
    if (first !== undefined) {
      throw first;
    }
  }

  async #prepareRest(member: ChainMember, waiting: Promise<void>, from: number, checkpointId: number): Promise<void> {
    await attributed(member, () => waiting);
    for (const next of this.#operators.slice(from)) {
      await attributed(next, () => next.operator.prepareSnapshot(checkpointId));
    }
  }

  #call<T>(member: ChainMember, run: () => T): Exclude<T, void> | undefined {
    try {
      return run() as Exclude<T, void> | undefined;
    } catch (thrown) {
      throw attributeTo(member.operatorName, thrown);
    }
  }
}

const attributed = async (member: ChainMember, run: () => void | Promise<void>): Promise<void> => {
  try {
    await run();
  } catch (thrown) {
    throw attributeTo(member.operatorName, thrown);
  }
};

/** The side outputs of an operator that somebody reads. */
const sideOutputsOf = (id: OperatorId, { translation, outputs }: ChainOptions): string[] => {
  const chained = (translation.chained.get(id) ?? []).map((edge) => edge.sideOutput);
  const exchanged = outputs.filter((output) => output.fromOperator === id).map((output) => output.sideOutput);
  return [...new Set([...chained, ...exchanged])].filter((tag) => tag !== undefined);
};

const joined = (targets: readonly Downstream<unknown>[]): Downstream<unknown> => {
  if (targets.length === 0) {
    return DISCARD;
  }
  return targets.length === 1 ? targets[0]! : new FanOut(targets);
};
