import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { SourceHarness } from '../source-harness.ts';
import { source, type SplitContext } from './index.ts';

/** Numbers up to `last` in a split that is a letter: `a0`, `a1`, ... */
const letters = (last: number, log: string[] = []) => ({
  name: 'letters',
  read: async function* (position: number | undefined, { split }: SplitContext) {
    log.push(`${split} from ${position}`);
    try {
      for (let n = position ?? 0; n <= last; n++) {
        yield [`${split}${n}`, n + 1] as const;
      }
    } finally {
      log.push(`${split} done`);
    }
  },
});

describe('custom source', () => {
  it('emits what the generator yields and ends with it', async () => {
    const reading = await new SourceHarness(source(letters(4))).run();
    expect(reading.values).toEqual(['00', '01', '02', '03', '04']);
  });

  it('goes on after the last emitted record, not after the last one read ahead', async () => {
    const log: string[] = [];
    const numbers = source(letters(20, log));
    const first = new SourceHarness(numbers);
    await first.run(() => first.emitted.length === 3, 1);
    const snapshot = first.snapshot();
    expect(snapshot.readers).toEqual([[{ id: 'letters/0', split: '0', position: 3 }]]);
    const second = await new SourceHarness(numbers, { restored: snapshot }).run();
    expect(second.values[0]).toBe('03');
    expect([...first.values, ...second.values]).toHaveLength(21);
    expect(log).toContain('0 from 3');
  });

  it('starts from nothing when nothing was emitted', async () => {
    const log: string[] = [];
    const first = new SourceHarness(source(letters(2, log)));
    const second = await new SourceHarness(source(letters(2, log)), { restored: first.snapshot() }).run();
    expect(second.values).toEqual(['00', '01', '02']);
    expect(log[0]).toBe('0 from undefined');
  });

  it('is not pulled beyond maxReadAhead', async () => {
    let pulled = 0;
    const endless = source({
      name: 'endless',
      maxReadAhead: 10,
      read: async function* (position: number = 0) {
        for (let n = position; ; n++) {
          pulled++;
          yield [n, n + 1];
        }
      },
    });
    const reading = new SourceHarness(endless);
    reading.read(0, 1);
    for (let turn = 0; turn < 50; turn++) {
      await new Promise(setImmediate);
    }
    expect(pulled).toBe(10);
    await reading.run(() => reading.emitted.length >= 1000, 3);
    expect(reading.values).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(pulled).toBeLessThanOrEqual(1010);
    await reading.close();
  });

  it('reads all splits of an unbounded source at the same time, those of a bounded one in turn', async () => {
    const log: string[] = [];
    const splits = ['a', 'b', 'c'];
    const unbounded = source({ ...letters(50, log), splits });
    await new SourceHarness(unbounded).run();
    expect(log.slice(0, 3)).toEqual(['a from undefined', 'b from undefined', 'c from undefined']);
    log.length = 0;
    const bounded = source({ ...letters(50, log), splits, bounded: true });
    const reading = await new SourceHarness(bounded, { parallelism: 2 }).run();
    expect(reading.values.toSorted()).toEqual(
      splits.flatMap((split) => Array.from({ length: 51 }, (_, n) => `${split}${n}`)).toSorted(),
    );
    const one = await new SourceHarness(bounded).run();
    expect(one.values).toEqual(splits.flatMap((split) => Array.from({ length: 51 }, (_, n) => `${split}${n}`)));
  });

  it('keeps the position of the last emitted record though the generator goes on changing the object', async () => {
    const changing = source({
      name: 'changing',
      read: async function* (position: { next: number } = { next: 0 }) {
        for (const state = position; state.next < 10;) {
          yield [state.next++, state];
        }
      },
    });
    const first = new SourceHarness(changing);
    await first.run(() => first.emitted.length === 4, 1);
    expect(first.snapshot().readers).toEqual([[{ id: 'changing/0', split: '0', position: { next: 4 } }]]);
    const second = await new SourceHarness(changing, { restored: first.snapshot() }).run();
    expect(second.values).toEqual([4, 5, 6, 7, 8, 9]);
  });

  it('has the parallelism of its splits at most', () => {
    expect(source(letters(1))).toMatchObject({ parallelism: 1, maxParallelism: 1 });
    const many = source({ ...letters(1), splits: ['a', 'b'] });
    expect(many).toMatchObject({ maxParallelism: 2, plan: { bounded: false } });
    expect(many.parallelism).toBeUndefined();
  });

  it('takes event times from the records', async () => {
    const timed = source({
      name: 'timed',
      timestamps: ({ at }: { at: number }) => at,
      read: async function* (position: number = 1) {
        yield [{ at: position * 10 }, position + 1];
      },
    });
    expect((await new SourceHarness(timed).run()).emitted).toEqual([{ value: { at: 10 }, timestamp: 10 }]);
  });

  it('fails the task with what the generator throws', async () => {
    const error = new Error('the API is down');
    const failing = source({
      name: 'failing',
      read: async function* (position: number = 0) {
        yield [position, position + 1];
        throw error;
      },
    });
    const reading = new SourceHarness(failing);
    await expect(reading.run()).rejects.toBe(error);
    expect(error.stack).toContain('custom-source.test.ts');
  });

  it('refuses records without a position, unless told that there are none', async () => {
    const yieldsRecords = async function* () {
      yield 1;
      yield 2;
    };
    const mistaken = source({ name: 'mistaken', read: yieldsRecords as never });
    await expect(new SourceHarness(mistaken).run()).rejects.toThrow(
      'source "mistaken" did not yield [record, position] with a position',
    );
    expect(mistaken.behavior.warning).toBeUndefined();
    const plain = source({ name: 'plain', positions: false, read: yieldsRecords });
    expect((await new SourceHarness(plain).run()).values).toEqual([1, 2]);
    expect(plain.behavior.warning).toMatch(/source "plain" has no positions/);
  });

  it('runs finally blocks at the end of the task, and waits for one that hangs only so long', async () => {
    const log: string[] = [];
    const reading = new SourceHarness(source({ ...letters(100_000, log), maxReadAhead: 5 }));
    await reading.run(() => reading.emitted.length === 2, 1);
    await reading.close();
    expect(log.at(-1)).toBe('0 done');

    let signal: AbortSignal | undefined;
    const hanging = source({
      name: 'hanging',
      read: async function* (position: number = 0, context) {
        signal = context.signal;
        yield [position, 1];
        await new Promise(() => {});
      },
    });
    const warnings: string[] = [];
    const stuck = new SourceHarness(hanging, {
      logger: { ...silentLogger, warn: (message) => warnings.push(message) },
    });
    await stuck.run(() => stuck.emitted.length === 1);
    const closed = stuck.close();
    expect(signal?.aborted).toBe(true);
    expect(warnings).toEqual([]);
    stuck.clock.advanceBy(5000);
    await closed;
    expect(warnings).toEqual([
      expect.stringMatching(/^source "hanging": the generator did not end within 5 s.* give the "signal"/),
    ]);
  });

  it('refuses splits that make no sense', () => {
    expect(() => source({ ...letters(1), splits: [] })).toThrow('"splits" is empty');
    expect(() => source({ ...letters(1), splits: ['a', 'a'] })).toThrow('the split "a" is there twice');
    expect(() => source({ ...letters(1), maxReadAhead: 0 })).toThrow('"maxReadAhead" is 0');
  });
});
