import { describe, expect, test } from 'vitest';
import type { SplitEnumerator } from '../../../pipeline/connectors/source.ts';
import { operatorIdOf } from '../test-support/test-graph.ts';
import { EnumeratorHost } from './enumerator-host.ts';
import type { EnumeratorAnswer, EnumeratorRequest, EnumeratorResult } from './enumerator-messages.ts';

const OPEN: EnumeratorRequest = {
  kind: 'open',
  config: {},
  parallelism: 2,
  state: undefined,
  returned: [],
  assigned: [],
  ended: [],
};

const set = (
  methods: Partial<Record<keyof SplitEnumerator, unknown>> = {},
): { host: EnumeratorHost; answers: EnumeratorAnswer[]; call: (request: EnumeratorRequest) => EnumeratorResult } => {
  const answers: EnumeratorAnswer[] = [];
  const enumerator = {
    discovered: () => ({}),
    readerRegistered: () => ({}),
    splitRequested: () => ({}),
    splitsReturned: () => ({}),
    snapshot: () => ({ some: 'state' }),
    ...methods,
  } as SplitEnumerator;
  const host = new EnumeratorHost({
    factoryOf: (operatorId) =>
      operatorId === operatorIdOf('a') ? { kind: 'own', create: () => enumerator } : undefined,
    answer: (answer) => answers.push(answer),
  });
  let next = 1;
  const call = (request: EnumeratorRequest): EnumeratorResult => {
    host.handle({ call: next++, operatorId: operatorIdOf('a'), request });
    return answers.at(-1)!.result;
  };
  call(OPEN);
  return { host, answers, call };
};

const message = (result: EnumeratorResult): string => (result.kind === 'failed' ? result.error.message : result.kind);

describe('what an enumerator returns is looked at', () => {
  test.each([
    [undefined, 'its splitRequested returned undefined; allowed: an object with "assign"'],
    [{ assign: 3 }, 'returned "assign" or "noMoreSplits" that is no array'],
    [{ assign: [{ subtask: 2, splits: [] }] }, 'its splitRequested names the reader 2; allowed: readers from 0 to 1'],
    [{ noMoreSplits: ['0'] }, 'names the reader 0; allowed'],
    [{ assign: [{ subtask: 0, splits: [{ name: 'x' }] }] }, 'returned a split without an id'],
    [{ assign: [{ subtask: 0 }] }, 'returned undefined as splits'],
    [{ assign: [null] }, 'names the reader undefined'],
  ])('%j', (returned, says) => {
    const { call } = set({ splitRequested: () => returned });
    expect(message(call({ kind: 'split-requested', subtask: 0 }))).toContain(says);
  });

  test('what it throws is an answer', () => {
    const { call } = set({
      snapshot: () => {
        throw new TypeError('no state');
      },
    });
    expect(call({ kind: 'snapshot', checkpointId: 1 })).toMatchObject({
      kind: 'failed',
      error: { name: 'TypeError', message: 'no state' },
    });
  });
});

test('a source without an enumerator of its own', () => {
  const { host, answers } = set();
  host.handle({ call: 9, operatorId: operatorIdOf('b'), request: OPEN });
  expect(answers.at(-1)).toMatchObject({ call: 9, result: { kind: 'failed', error: { code: 'BAD_JOB' } } });
});

test('a discovery that ends knows of the calls meanwhile, and is nothing to the enumerator that came after', async () => {
  const found: ((splits: readonly { id: string }[]) => void)[] = [];
  const discovered: unknown[] = [];
  const { answers, call } = set({
    discover: () => new Promise((resolve) => found.push(resolve)),
    discovered: (splits: unknown) => {
      discovered.push(splits);
      return {};
    },
  });
  call({ kind: 'discover' });
  call({ kind: 'reader-registered', subtask: 0, held: [] });
  found[0]?.([{ id: 'x' }]);
  await expect.poll(() => answers.length).toBe(3);
  expect(answers.at(-1)).toMatchObject({ call: 2, knowing: 3 });
  call({ kind: 'discover' });
  call(OPEN);
  found[1]?.([{ id: 'y' }]);
  await expect.poll(() => answers.length).toBe(5);
  expect(discovered).toEqual([[{ id: 'x' }]]);
});
