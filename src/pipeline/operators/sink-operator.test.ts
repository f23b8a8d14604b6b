import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { AbortScope, Prepared, SinkBehavior, SinkWriter, SinkWriterContext } from '../connectors/sink.ts';
import { JOB_ID, SINK_ID, SinkAttempt, type SubtaskLists } from '../connectors/sink-harness.ts';
import { ManualClock } from '../../testing/manual-clock.ts';

interface Store {
  readonly committed: string[];
  readonly log: string[];
  readonly scopes: AbortScope<string>[];
  failingCommits: number;
  commitError?: Error;
}

const newStore = (): Store => ({ committed: [], log: [], scopes: [], failingCommits: 0 });

/** Prepares the records joined by `+`. */
const joining = (store: Store, more: Partial<SinkWriter<string, string>> = {}): SinkBehavior<string, string> => ({
  bearsRepeats: false,
  createWriter: () => {
    let records: string[] = [];
    return {
      write: (value) => void records.push(value),
      prepare: () => {
        const joined = records.join('+');
        records = [];
        return joined === '' ? undefined : joined;
      },
      commit: ({ value }) => {
        if (store.failingCommits > 0) {
          store.failingCommits--;
          throw store.commitError ?? new Error('not now');
        }
        store.log.push(`commit ${value}`);
        if (!store.committed.includes(value)) {
          store.committed.push(value);
        }
      },
      abort: (scope) => void store.scopes.push(scope),
      ...more,
    };
  },
});

const names = (lists: SubtaskLists): string[] => (lists['sink-prepared'] as Prepared<string>[]).map(({ name }) => name);

describe('SinkOperator', () => {
  it('commits what was prepared when its checkpoint is complete, not before', async () => {
    const store = newStore();
    const attempt = await new SinkAttempt({ behavior: joining(store) }).open();
    attempt.write('a', 'b');
    const lists = await attempt.checkpoint(1);
    expect(names(lists)).toEqual([`${JOB_ID}-${SINK_ID}-0-1.1-1`]);
    expect(store.committed).toEqual([]);
    await attempt.operator.checkpointCompleted(1);
    expect(store.committed).toEqual(['a+b']);
    expect(names(await attempt.checkpoint(2))).toEqual([]);
  });

  it('keeps what an aborted checkpoint prepared, lists it later and commits it with the next complete one (R3)', async () => {
    const store = newStore();
    const attempt = await new SinkAttempt({ behavior: joining(store) }).open();
    attempt.write('a');
    await attempt.checkpoint(1);
    attempt.write('b');
    expect(names(await attempt.checkpoint(2))).toHaveLength(2);
    attempt.write('c');
    const third = await attempt.checkpoint(3);
    expect(names(third)).toHaveLength(3);
    await attempt.operator.checkpointCompleted(2);
    expect(store.committed).toEqual(['a', 'b']);
    await attempt.operator.checkpointCompleted(3);
    expect(store.committed).toEqual(['a', 'b', 'c']);
  });

  it('prepares synchronously where nothing has to be waited for', async () => {
    const attempt = await new SinkAttempt({ behavior: joining(newStore()) }).open();
    attempt.write('a');
    expect(attempt.operator.prepareSnapshot(1)).toBeUndefined();
  });

  it('commits after a restore what the state lists, each transaction in one subtask', async () => {
    const first = newStore();
    const old = await Promise.all(
      [0, 1, 2].map((subtask) => new SinkAttempt({ behavior: joining(first), subtask, parallelism: 3 }).open()),
    );
    const subtasks = await Promise.all(
      old.map(async (attempt, index) => {
        attempt.write(`r${index}`);
        return attempt.checkpoint(7);
      }),
    );
    for (const parallelism of [1, 2, 3, 5]) {
      const store = newStore();
      for (let subtask = 0; subtask < parallelism; subtask++) {
        const restored = { checkpointId: 7, subtasks };
        await new SinkAttempt({ behavior: joining(store), subtask, parallelism, generation: '1.2', restored }).open();
      }
      expect(store.log.toSorted()).toEqual(['commit r0', 'commit r1', 'commit r2']);
    }
  });

  it('commits transactions of another job after a restore, and aborts only those of its own', async () => {
    const store = newStore();
    const old = await new SinkAttempt({ behavior: joining(store) }).open();
    old.write('a');
    const restored = { checkpointId: 1, subtasks: [await old.checkpoint(1)] };
    await new SinkAttempt({ behavior: joining(store), jobId: 'beef', generation: '1.1', restored }).open();
    expect(store.committed).toEqual(['a']);
    const scope = store.scopes.at(-1)!;
    expect(scope.covers(`${JOB_ID}-${SINK_ID}-0-0.9-1`)).toBe(false);
    expect(scope.covers(`beef-${SINK_ID}-0-0.9-1`)).toBe(true);
  });

  it('covers all that a claimed job left, of any generation, but what the snapshot lists', async () => {
    const store = newStore();
    const old = await new SinkAttempt({ behavior: joining(store), generation: '1.5' }).open();
    old.write('a');
    const lists = await old.checkpoint(1);
    const options = { jobId: 'beef', claimedJobId: JOB_ID, generation: '1.2' };
    await new SinkAttempt({
      behavior: joining(store),
      ...options,
      restored: { checkpointId: 1, subtasks: [lists] },
    }).open();
    const scope = store.scopes.at(-1)!;
    expect(store.committed).toEqual(['a']);
    expect(scope.covers(names(lists)[0]!)).toBe(false);
    expect(scope.covers(`${JOB_ID}-${SINK_ID}-0-1.5-7`)).toBe(true);
    expect(scope.covers(`${JOB_ID}-${SINK_ID}-0-1.1-7`)).toBe(true);
    expect(scope.covers(`${JOB_ID}-another-0-1.1-7`)).toBe(false);
    expect(scope.covers(`cafe-${SINK_ID}-0-1.1-7`)).toBe(false);
    expect(scope.covers(`beef-${SINK_ID}-0-1.3-7`)).toBe(false);
  });

  it('covers what earlier generations left, but nothing kept, later, or of a subtask that it does not stand for', async () => {
    const store = newStore();
    const old = await new SinkAttempt({ behavior: joining(store), subtask: 2, parallelism: 4 }).open();
    old.write('a');
    const lists = await old.checkpoint(1);
    const restored = { checkpointId: 1, subtasks: [lists] };
    const at = { subtask: 0, parallelism: 2, generation: '2.10', restored };
    await new SinkAttempt({ behavior: joining(store), ...at }).open();
    const scope = store.scopes.at(-1)!;
    const name = (subtask: number, generation: string, counter: number) =>
      `${JOB_ID}-${SINK_ID}-${subtask}-${generation}-${counter}`;
    expect(scope.isKept(names(lists)[0]!)).toBe(true);
    expect(scope.kept).toEqual([{ name: names(lists)[0]!, value: 'a' }]);
    expect(scope.covers(names(lists)[0]!)).toBe(false);
    expect(scope.covers(name(2, '1.1', 2))).toBe(true);
    expect(scope.covers(name(0, '2.9', 2))).toBe(true);
    expect(scope.covers(name(1, '2.9', 2))).toBe(false);
    expect(scope.covers(name(0, '2.10', 2))).toBe(false);
    expect(scope.covers(name(0, '3.1', 2))).toBe(false);
    expect(scope.covers('something else')).toBe(false);
  });

  it('hands writer state to every writer of the next generation', async () => {
    const seen: unknown[] = [];
    const behavior = (own: string) =>
      joining(newStore(), { snapshotState: () => own, restoreState: (states) => void seen.push(states) });
    const a = await new SinkAttempt({ behavior: behavior('a'), subtask: 0, parallelism: 2 }).open();
    const b = await new SinkAttempt({ behavior: behavior('b'), subtask: 1, parallelism: 2 }).open();
    expect(seen).toEqual([]);
    const restored = { checkpointId: 1, subtasks: [await a.checkpoint(1), await b.checkpoint(1)] };
    await new SinkAttempt({ behavior: behavior('c'), restored }).open();
    expect(seen).toEqual([['a', 'b']]);
  });

  it('without checkpoints prepares and commits when the input ends', async () => {
    const store = newStore();
    const attempt = await new SinkAttempt({ behavior: joining(store), checkpointing: false }).open();
    attempt.write('a', 'b');
    await attempt.operator.endInput();
    expect(store.committed).toEqual(['a+b']);
  });

  it('without checkpoints also commits now and then, records that come meanwhile in the next turn', async () => {
    const store = newStore();
    let prepared: (() => void) | undefined;
    const behavior = joining(store);
    const slow: SinkBehavior<string, string> = {
      ...behavior,
      createWriter: (context) => {
        const writer = behavior.createWriter(context);
        const prepare = async (name: string, checkpointId: number) => {
          const value = await writer.prepare(name, checkpointId);
          await new Promise<void>((resolve) => {
            prepared = resolve;
          });
          return value;
        };
        return { ...writer, prepare };
      },
    };
    const attempt = await new SinkAttempt({ behavior: slow, checkpointing: false, clock: new ManualClock() }).open();
    attempt.write('a');
    expect(attempt.scheduled).toMatchObject([{ atMs: 10_000 }]);
    attempt.scheduled[0]!.run();
    await nextTurn();
    expect(attempt.operator.isAvailable()).toBe(false);
    attempt.write('b');
    prepared?.();
    await nextTurn();
    expect(store.committed).toEqual(['a']);
    expect(attempt.operator.isAvailable()).toBe(true);
    expect(attempt.scheduled).toHaveLength(2);
    const closed = attempt.operator.close();
    await nextTurn();
    prepared?.();
    await closed;
    expect(store.committed).toEqual(['a', 'b']);
  });

  it('with checkpoints commits nothing when it is closed', async () => {
    const store = newStore();
    const attempt = await new SinkAttempt({ behavior: joining(store) }).open();
    attempt.write('a');
    await attempt.operator.close();
    expect(store.committed).toEqual([]);
    expect(attempt.scheduled).toEqual([]);
  });

  it('with checkpoints commits the end with the checkpoint that covers it', async () => {
    const store = newStore();
    const attempt = await new SinkAttempt({ behavior: joining(store) }).open();
    attempt.write('a');
    await attempt.operator.endInput();
    expect(store.committed).toEqual([]);
    await attempt.checkpoint(1);
    await attempt.operator.checkpointCompleted(1);
    expect(store.committed).toEqual(['a']);
  });
});

describe('SinkOperator: failing commits', () => {
  it('tries a commit again and keeps it listed meanwhile', async () => {
    const store = newStore();
    const clock = new ManualClock();
    const attempt = await new SinkAttempt({ behavior: joining(store), clock }).open();
    attempt.write('a');
    await attempt.checkpoint(1);
    store.failingCommits = 2;
    const committed = attempt.operator.checkpointCompleted(1);
    await Promise.resolve();
    expect(names(await attempt.checkpoint(2))).toHaveLength(1);
    while (store.committed.length === 0) {
      clock.advanceBy(100);
      await nextTurn();
    }
    await committed;
    expect(clock.now()).toBe(300);
    expect(names(await attempt.checkpoint(3))).toHaveLength(0);
  });

  it('gives up after a bounded number of attempts, at once where trying again cannot help', async () => {
    const store = newStore();
    const attempt = await new SinkAttempt({ behavior: joining(store) }).open();
    attempt.write('a');
    await attempt.checkpoint(1);
    store.failingCommits = Infinity;
    await expect(attempt.operator.checkpointCompleted(1)).rejects.toThrow(
      `sink "sink under test" could not commit ${JOB_ID}-${SINK_ID}-0-1.1-1, prepared for checkpoint 1, after 8 attempts: not now`,
    );
    const other = await new SinkAttempt({ behavior: joining(store) }).open();
    other.write('b');
    await other.checkpoint(1);
    store.commitError = new MillraceError('FILE_NOT_FOUND', 'it is gone');
    await expect(other.operator.checkpointCompleted(1)).rejects.toThrow('after 1 attempt: it is gone');
  });

  it('stops trying when it is closed', async () => {
    const store = newStore();
    const attempt = await new SinkAttempt({ behavior: joining(store), clock: new ManualClock() }).open();
    attempt.write('a');
    await attempt.checkpoint(1);
    store.failingCommits = Infinity;
    const committed = attempt.operator.checkpointCompleted(1);
    await nextTurn();
    await attempt.operator.close();
    await expect(committed).rejects.toThrow('could not commit');
  });
});

/** A writer whose writes settle when the test says so. */
const manualWriter = (maxInFlight: number) => {
  const started: string[] = [];
  const settle: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  let prepared = 0;
  const behavior: SinkBehavior<string, string> = {
    bearsRepeats: false,
    createWriter: (_context: SinkWriterContext) => ({
      maxInFlight,
      write: (value) => {
        started.push(value);
        return new Promise<void>((resolve, reject) => settle.push({ resolve, reject }));
      },
      prepare: () => `prepared ${++prepared}`,
      commit: () => {},
    }),
  };
  return { started, settle, behavior };
};

describe('SinkOperator: asynchronous writes', () => {
  it('holds at most maxInFlight and goes on in order', async () => {
    const { started, settle, behavior } = manualWriter(2);
    const attempt = await new SinkAttempt({ behavior }).open();
    attempt.write('a');
    expect(attempt.operator.isAvailable()).toBe(true);
    attempt.write('b', 'c', 'd');
    expect(started).toEqual(['a', 'b']);
    expect(attempt.operator.isAvailable()).toBe(false);
    settle[1]!.resolve();
    await nextTurn();
    expect(started).toEqual(['a', 'b', 'c']);
    settle[0]!.resolve();
    settle[2]!.resolve();
    await nextTurn();
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    expect(attempt.operator.isAvailable()).toBe(true);
    expect(attempt.enqueued).toBeGreaterThan(0);
  });

  it('waits for all of them before it prepares', async () => {
    const { settle, behavior } = manualWriter(1);
    const attempt = await new SinkAttempt({ behavior }).open();
    attempt.write('a', 'b');
    let done = false;
    const checkpoint = attempt.checkpoint(1).then((lists) => {
      done = true;
      return lists;
    });
    settle[0]!.resolve();
    await nextTurn();
    expect(done).toBe(false);
    settle[1]!.resolve();
    expect(names(await checkpoint)).toHaveLength(1);
  });

  it('fails the task and every later checkpoint after a failed write', async () => {
    const { started, settle, behavior } = manualWriter(1);
    const attempt = await new SinkAttempt({ behavior }).open();
    attempt.write('a', 'b');
    const error = new Error('refused');
    const checkpoint = attempt.checkpoint(1);
    settle[0]!.reject(error);
    await expect(checkpoint).rejects.toBe(error);
    expect(attempt.failure).toBe(error);
    expect(started).toEqual(['a']);
    await expect(attempt.checkpoint(2)).rejects.toBe(error);
  });
});
