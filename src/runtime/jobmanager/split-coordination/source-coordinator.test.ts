import { describe, expect, test } from 'vitest';
import type {
  EnumeratorDecision,
  EnumeratorFactory,
  Split,
  SplitEnumerator,
} from '../../../pipeline/connectors/source.ts';
import { operatorIdOf } from '../test-support/test-graph.ts';
import { SourceCoordinator, type ReaderCommand } from './source-coordinator.ts';

/** Gives what it finds to readers in turn, whether they are there or not. */
class Eager implements SplitEnumerator {
  readonly returned: string[] = [];
  readonly parallelism: number;
  readonly restored: unknown;
  #next = 0;

  constructor(parallelism: number, restored: unknown) {
    this.parallelism = parallelism;
    this.restored = restored;
  }

  discover(): Promise<readonly Split[]> {
    return Promise.resolve([]);
  }

  discovered(splits: readonly Split[]): EnumeratorDecision {
    return { assign: splits.map((split) => ({ subtask: this.#next++ % this.parallelism, splits: [split] })) };
  }

  readerRegistered(): EnumeratorDecision {
    return {};
  }

  splitRequested(subtask: number): EnumeratorDecision {
    return { noMoreSplits: [subtask] };
  }

  splitsReturned(splits: readonly Split[]): EnumeratorDecision {
    this.returned.push(...splits.map(({ id }) => id));
    return {};
  }

  snapshot(): unknown {
    return { next: this.#next };
  }
}

const setUp = (snapshot?: unknown): { source: SourceCoordinator; made: Eager[] } => {
  const made: Eager[] = [];
  const factory: EnumeratorFactory = {
    kind: 'eager',
    create: (_config, parallelism, state) => {
      const enumerator = new Eager(parallelism, state);
      made.push(enumerator);
      return enumerator;
    },
  };
  const options = { operatorId: operatorIdOf('a'), factory, config: {}, parallelism: 2 };
  return { source: new SourceCoordinator(options, snapshot), made };
};

const splits = (...ids: string[]): Split[] => ids.map((id) => ({ id }));

const shown = (commands: readonly ReaderCommand[]): string[] =>
  commands.map(({ subtask, command }) =>
    command.kind === 'splits'
      ? `${subtask}: ${(command.splits as readonly Split[]).map(({ id }) => id).join(',')}`
      : `${subtask}: ${command.kind}`,
  );

const find = (source: SourceCoordinator, enumerator: SplitEnumerator, ...ids: string[]): string[] =>
  shown(source.discovered(enumerator, splits(...ids)));

describe('assignment', () => {
  test('goes to readers that are there, the rest waits for them', () => {
    const { source, made } = setUp();
    source.readerRegistered(0, []);
    expect(find(source, made[0]!, 's0', 's1', 's2')).toEqual(['0: s0', '0: s2']);
    expect(source.snapshot(1)).toEqual({ discovered: true, state: { next: 3 }, undelivered: splits('s1') });
    expect(shown(source.readerRegistered(1, []))).toEqual(['1: s1']);
    expect(source.snapshot(2).undelivered).toEqual([]);
  });

  test('"no more splits" is said again to a reader that registers after it', () => {
    const { source } = setUp();
    expect(shown(source.splitRequested(1))).toEqual([]);
    expect(shown(source.readerRegistered(1, []))).toEqual(['1: no-more-splits']);
  });
});

describe('one of several readers starts anew (R4)', () => {
  test('what it got since the newest completed checkpoint comes back, what that covers does not', () => {
    const { source, made } = setUp();
    source.readerRegistered(0, []);
    source.readerRegistered(1, []);
    find(source, made[0]!, 'a0', 'a1');
    source.snapshot(1);
    find(source, made[0]!, 'b0', 'b1');
    source.completed(1);
    source.snapshot(2);
    find(source, made[0]!, 'c0', 'c1');
    source.readersFailed([0]);
    source.readersRestarted([0], { discovered: true, state: 'of 1', undelivered: [] });
    expect(made).toHaveLength(1);
    expect(made[0]!.returned).toEqual(['b0', 'c0']);
    source.readersRestarted([0], undefined);
    expect(made[0]!.returned).toEqual(['b0', 'c0']);
  });

  test('without a completed checkpoint everything comes back', () => {
    const { source, made } = setUp();
    source.readerRegistered(0, []);
    find(source, made[0]!, 'a0');
    source.readersRestarted([0], undefined);
    expect(made[0]!.returned).toEqual(['a0']);
  });

  test('what is found while it is away waits', () => {
    const { source, made } = setUp();
    source.readerRegistered(0, []);
    source.readersFailed([0]);
    expect(find(source, made[0]!, 'a0')).toEqual([]);
    source.readersRestarted([0], undefined);
    expect(made[0]!.returned).toEqual([]);
    expect(shown(source.readerRegistered(0, []))).toEqual(['0: a0']);
  });
});

describe('all readers start anew', () => {
  test('the enumerator does too, from the checkpoint', () => {
    const { source, made } = setUp();
    source.readerRegistered(0, []);
    find(source, made[0]!, 'a0', 'a1');
    source.readersRestarted([0, 1], { discovered: false, state: { next: 7 }, undelivered: splits('u') });
    expect(made).toHaveLength(2);
    expect(made[1]!.restored).toEqual({ next: 7 });
    expect(made[1]!.returned).toEqual(['u']);
    expect(made[0]!.returned).toEqual([]);
  });

  test('a discovery of the old one is ignored', () => {
    const { source, made } = setUp();
    source.readersRestarted([0, 1], undefined);
    source.readerRegistered(0, []);
    expect(find(source, made[0]!, 'a0')).toEqual([]);
    expect(source.discovery?.enumerator).toBe(made[1]);
  });
});

test('discovery is not repeated after a restore of one that was complete', () => {
  expect(setUp({ discovered: true, state: {}, undelivered: [] }).source.discovery).toBeUndefined();
  expect(setUp({ discovered: false, state: {}, undelivered: [] }).source.discovery).toBeDefined();
});
