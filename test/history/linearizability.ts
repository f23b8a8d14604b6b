import { describeOperation, type Answer, type Call, type Operation } from './history.ts';
import { carryOut, mayCarryOut, type Register } from './register.ts';

/*
 * Whether there is one order of all operations on a register in which each takes effect at one moment between its invocation and its
 * return, and is answered as it was. Wing's and Gong's search, in the order of time: what is kept at each moment are the registers there
 * may be, with the operations that are under way and have taken effect in them, each of these once. Where nothing is under way that is
 * nothing but registers, so that a long history costs no more than its parts.
 *
 * Operations of unknown outcome stay under way for good. Those that nobody can tell apart are counted instead of named: the one that was
 * invoked first goes first. And whoever has used fewer of them can do all that another can who holds the same.
 */

export type Verdict =
  | { readonly kind: 'linearizable' }
  /** No order explains the answer of `operation`. */
  | { readonly kind: 'refused'; readonly operation: Operation; readonly why: string }
  /** There were more registers than `configurationsMax`. */
  | { readonly kind: 'undecided'; readonly operation: Operation; readonly why: string };

export interface LinearizabilityOptions {
  /** What each register holds at first; not there unless said. */
  readonly initial?: Register;
  /** Looked at for one answer. 200,000 unless said. */
  readonly configurationsMax?: number;
}

/** One way in which it may have gone so far. */
interface Configuration {
  readonly register: Register;
  /** Those under way that have taken effect and whose answer is to come, ascending, by number. */
  readonly done: readonly number[];
  /** How many of each kind of unknown outcome have taken effect. */
  readonly used: readonly number[];
}

/** Operations of unknown outcome that do the same. */
interface Kind {
  readonly name: string;
  readonly call: Call;
  readonly available: number;
}

type Known = Operation & { readonly outcome: Answer };

/** Register by register; the first that is not linearizable. Reads that are not fresh are left out: see `checkSessions`. */
export const checkLinearizability = (history: readonly Operation[], options: LinearizabilityOptions = {}): Verdict => {
  for (const operations of Map.groupBy(history, ({ register }) => register).values()) {
    const verdict = new RegisterCheck(operations, options).verdict();
    if (verdict.kind !== 'linearizable') {
      return verdict;
    }
  }
  return { kind: 'linearizable' };
};

/** Stands for each value that nobody read. */
const UNSEEN = '\0';

class RegisterCheck {
  readonly #operations: readonly Operation[];
  readonly #configurationsMax: number;
  readonly #seen: ReadonlySet<string>;
  /** Invoked, not returned, by number. */
  readonly #underWay = new Map<number, Known>();
  /** Of unknown outcome, and not all used in whatever may have been. */
  #kinds: readonly Kind[] = [];
  #configurations: readonly Configuration[];

  constructor(operations: readonly Operation[], { initial, configurationsMax = 200_000 }: LinearizabilityOptions) {
    this.#operations = operations.filter(
      ({ call, outcome }) => outcome.kind !== 'denied' && (call.kind !== 'get' || (call.isFresh && isKnown(outcome))),
    );
    this.#configurationsMax = configurationsMax;
    this.#seen = new Set(this.#operations.flatMap(({ outcome }) => (outcome.kind === 'value' ? [outcome.value] : [])));
    const register = initial === undefined ? undefined : { ...initial, value: this.#valueOf(initial.value) };
    this.#configurations = [{ register, done: [], used: [] }];
  }

  verdict(): Verdict {
    const events = this.#operations
      .flatMap((operation, number) => [
        { at: operation.invokedAt, operation, number, isReturn: false },
        { at: operation.returnedAt, operation, number, isReturn: true },
      ])
      .filter(({ at }) => at !== Infinity)
      .toSorted((a, b) => a.at - b.at);
    for (const { operation, number, isReturn } of events) {
      if (!isReturn) {
        this.#invoke(operation, number);
        continue;
      }
      const next = this.#return(number);
      if (next === undefined || next.length === 0) {
        const held = this.#configurations.map(({ register }) => describeRegister(register));
        const before = `before it the register was ${[...new Set(held)].slice(0, 5).join(' or ')}`;
        const why = `${describeOperation(operation)}; ${before}`;
        return { kind: next === undefined ? 'undecided' : 'refused', operation, why };
      }
      this.#configurations = next;
      this.#tidy();
    }
    return { kind: 'linearizable' };
  }

  #invoke(operation: Operation, number: number): void {
    const { outcome } = operation;
    const call = this.#callOf(operation.call);
    if (isKnown(outcome)) {
      this.#underWay.set(number, { ...operation, call, outcome: this.#answerOf(outcome) });
      this.#configurations = this.#configurations.map((each) => this.#withReads(each));
      return;
    }
    const name = JSON.stringify(call);
    this.#kinds = this.#kinds.some((kind) => kind.name === name)
      ? this.#kinds.map((kind) => (kind.name === name ? { ...kind, available: kind.available + 1 } : kind))
      : [...this.#kinds, { name, call, available: 1 }];
  }

  /** Forgets the kinds that are used up. */
  #tidy(): void {
    const isLeft = this.#kinds.map(({ available }, at) =>
      this.#configurations.some(({ used }) => (used[at] ?? 0) < available),
    );
    if (isLeft.includes(false)) {
      this.#kinds = this.#kinds.filter((_, at) => isLeft[at]);
      this.#configurations = this.#configurations.map((each) => ({
        ...each,
        used: isLeft.flatMap((is, at) => (is ? [each.used[at] ?? 0] : [])),
      }));
    }
  }

  /** What may be after this answer; `undefined` where that is too much to look at. */
  #return(number: number): readonly Configuration[] | undefined {
    const after = new Frontier();
    const seen = new Frontier();
    const toLook = this.#configurations.filter((each) => seen.add(each));
    let looked = 0;
    for (const configuration of toLook) {
      if (configuration.done.includes(number)) {
        after.add({ ...configuration, done: configuration.done.filter((each) => each !== number) });
        continue;
      }
      if (++looked > this.#configurationsMax) {
        return undefined;
      }
      toLook.push(...this.#steps(configuration, number).filter((each) => seen.add(each)));
    }
    this.#underWay.delete(number);
    return after.all();
  }

  /** What may be after one more write, for the sake of the answer of `wanted`. */
  #steps({ register, done, used }: Configuration, wanted: number): readonly Configuration[] {
    const steps: Configuration[] = [];
    let isLastKnown = true;
    let isWanted = false;
    for (const [number, { call, outcome }] of this.#underWay) {
      if (done.includes(number)) {
        continue;
      }
      isLastKnown &&= number === wanted;
      const next = changes(outcome) ? carryOut(register, call, outcome) : 'impossible';
      if (next !== 'impossible') {
        steps.push(this.#withReads({ register: next, done: [...done, number].toSorted((a, b) => a - b), used }));
        isWanted ||= number === wanted;
      }
    }
    if (isWanted && isLastKnown) {
      // Whatever else may have happened before it, it leaves the same register.
      return steps;
    }
    const versionMax = Math.max(...[...this.#underWay.values()].map(versionOf));
    for (const [at, { call, available }] of this.#kinds.entries()) {
      // Beyond the versions that are asked about one is as good as the next.
      const isOver = (used[at] ?? 0) === available || (call.kind === 'set' && (register?.version ?? 0) > versionMax);
      const next = isOver ? 'impossible' : mayCarryOut(register, call);
      if (next !== 'impossible') {
        const more = this.#kinds.map((_, index) => (used[index] ?? 0) + (index === at ? 1 : 0));
        steps.push(this.#withReads({ register: next, done, used: more }));
      }
    }
    return steps;
  }

  /** With all that may take effect now and changes nothing: no later moment is better for it. */
  #withReads(configuration: Configuration): Configuration {
    const { register, done } = configuration;
    const reads = [...this.#underWay].filter(
      ([number, { call, outcome }]) =>
        !changes(outcome) && !done.includes(number) && carryOut(register, call, outcome) !== 'impossible',
    );
    return reads.length === 0
      ? configuration
      : { ...configuration, done: [...done, ...reads.map(([number]) => number)].toSorted((a, b) => a - b) };
  }

  #valueOf(value: string): string {
    return this.#seen.has(value) ? value : UNSEEN;
  }

  #callOf(call: Call): Call {
    return 'value' in call ? { ...call, value: this.#valueOf(call.value) } : call;
  }

  #answerOf(answer: Answer): Answer {
    return answer.kind === 'value' ? { ...answer, value: this.#valueOf(answer.value) } : answer;
  }
}

/** Configurations of which none can do all that another can. */
class Frontier {
  readonly #byPlace = new Map<string, Configuration[]>();

  /** Whether it is new. */
  add(configuration: Configuration): boolean {
    const { register, done } = configuration;
    const place = `${register === undefined ? '' : `${register.version} ${register.value}`}\n${done.join()}`;
    const others = this.#byPlace.get(place) ?? [];
    if (others.some((other) => usesNoMore(other, configuration))) {
      return false;
    }
    this.#byPlace.set(place, [...others.filter((other) => !usesNoMore(configuration, other)), configuration]);
    return true;
  }

  all(): readonly Configuration[] {
    return [...this.#byPlace.values()].flat();
  }
}

const usesNoMore = ({ used: a }: Configuration, { used: b }: Configuration): boolean =>
  a.every((count, at) => count <= (b[at] ?? 0));

const isKnown = (outcome: Operation['outcome']): outcome is Answer =>
  outcome.kind !== 'unknown' && outcome.kind !== 'denied';

const changes = ({ kind }: Answer): boolean => kind === 'written' || kind === 'deleted';

/** The highest version in which the register may have to be for this. */
const versionOf = ({ call, outcome }: Known): number =>
  Math.max(
    'version' in outcome ? outcome.version : 0,
    'version' in call && call.version !== undefined ? call.version : 0,
  );

const describeRegister = (register: Register): string => {
  if (register === undefined) {
    return 'absent';
  }
  const value = register.value === UNSEEN ? 'a value that nobody read' : `"${register.value}"`;
  return `${value} in version ${register.version}`;
};
