import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../foundation/common/random.ts';
import { OperatorHarness } from '../../testing/operator-harness.ts';
import type { AsyncMapOptions, DataStream } from '../api/index.ts';

/** Calls that a test answers. */
class Calls {
  readonly open = new Map<number, { resolve: (value: string) => void; reject: (error: Error) => void }>();
  most = 0;

  readonly call = (n: number): Promise<string> =>
    new Promise((resolve, reject) => {
      this.open.set(n, { resolve, reject });
      this.most = Math.max(this.most, this.open.size);
    });

  answer(n: number): void {
    this.open.get(n)!.resolve(`answer ${n}`);
    this.open.delete(n);
  }
}

const draw = (calls: Calls, options?: AsyncMapOptions) => (input: DataStream<number>) =>
  input.asyncMap(calls.call, options).name('lookup');

describe('asyncMap', () => {
  it('keeps the order of records and watermarks', async () => {
    const calls = new Calls();
    const harness = await OperatorHarness.open(draw(calls));
    harness.process(1, 10);
    harness.process(2, 20);
    harness.watermark(15);
    harness.idle(true);
    harness.process(3);
    calls.answer(3);
    calls.answer(2);
    await harness.settle();
    expect(harness.events).toEqual([]);
    calls.answer(1);
    await harness.settle();
    expect(harness.events).toEqual([
      { kind: 'record', value: 'answer 1', timestamp: 10 },
      { kind: 'record', value: 'answer 2', timestamp: 20 },
      { kind: 'watermark', watermark: 15 },
      { kind: 'idle', idle: true },
      { kind: 'record', value: 'answer 3' },
    ]);
    harness.watermark(30);
    expect(harness.events.at(-1)).toEqual({ kind: 'watermark', watermark: 30 });
  });

  it('unordered: results leave as they come, but not past a watermark', async () => {
    const calls = new Calls();
    const harness = await OperatorHarness.open(draw(calls, { ordered: false }));
    harness.processAll([1, 2, 3]);
    harness.watermark(5);
    harness.process(4);
    for (const n of [3, 4, 1]) {
      calls.answer(n);
      await harness.settle();
    }
    expect(harness.values).toEqual(['answer 3', 'answer 1']);
    calls.answer(2);
    await harness.settle();
    expect(harness.events.slice(2)).toEqual([
      { kind: 'record', value: 'answer 2' },
      { kind: 'watermark', watermark: 5 },
      { kind: 'record', value: 'answer 4' },
    ]);
  });

  it('calls at most `capacity` at a time; the rest of the batch waits', async () => {
    const calls = new Calls();
    const harness = await OperatorHarness.open(draw(calls, { capacity: 2 }));
    expect(harness.isAvailable).toBe(true);
    harness.processAll([1, 2, 3, 4, 5]);
    expect(harness.isAvailable).toBe(false);
    expect([...calls.open.keys()]).toEqual([1, 2]);
    for (const n of [2, 1, 3, 4]) {
      calls.answer(n);
      await harness.settle();
    }
    expect(calls.most).toBe(2);
    expect(harness.values.length).toBe(4);
    expect(harness.isAvailable).toBe(true);
    calls.answer(5);
    await harness.settle();
    expect(harness.values).toEqual([1, 2, 3, 4, 5].map((n) => `answer ${n}`));
  });

  it('asks again after a restore for what was in flight or waited', async () => {
    const calls = new Calls();
    const before = await OperatorHarness.open(draw(calls, { capacity: 2 }));
    for (let n = 1; n <= 5; n++) {
      before.process(n, n * 10);
    }
    calls.answer(1);
    await before.settle();
    calls.answer(3);
    await before.settle();
    expect(before.values).toEqual(['answer 1']);
    const snapshot = await before.snapshot();
    await before.close();

    const again = new Calls();
    const after = await OperatorHarness.open(draw(again, { capacity: 2 }), { restore: [snapshot] });
    expect(after.isAvailable).toBe(false);
    for (const n of [2, 3, 4, 5]) {
      again.answer(n);
      await after.settle();
    }
    expect(after.events).toEqual(
      [2, 3, 4, 5].map((n) => ({ kind: 'record', value: `answer ${n}`, timestamp: n * 10 })),
    );
  });

  it('deals what was in flight out over more subtasks', async () => {
    const calls = new Calls();
    const before = await OperatorHarness.open(draw(calls));
    before.processAll([1, 2, 3, 4, 5]);
    const snapshot = await before.snapshot();
    const called: number[] = [];
    for (const subtask of [0, 1]) {
      const again = new Calls();
      await OperatorHarness.open(draw(again), { restore: [snapshot], subtask, parallelism: 2 });
      called.push(...again.open.keys());
    }
    expect(called.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  });

  it('waits at the end of the input', async () => {
    const calls = new Calls();
    const harness = await OperatorHarness.open(draw(calls));
    harness.process(1);
    let hasEnded = false;
    const ended = harness.endInput().then(() => {
      hasEnded = true;
    });
    await harness.settle();
    expect(hasEnded).toBe(false);
    calls.answer(1);
    await harness.settle();
    await ended;
    expect(harness.events).toEqual([
      { kind: 'record', value: 'answer 1' },
      { kind: 'watermark', watermark: Infinity },
    ]);
  });

  it('fails the task when a call fails or takes too long, naming the operator', async () => {
    const calls = new Calls();
    const harness = await OperatorHarness.open(draw(calls, { timeout: '10s' }));
    harness.process(1);
    harness.advanceTo(6000);
    harness.process(2);
    calls.answer(1);
    await harness.settle();
    harness.advanceTo(15_999);
    expect(harness.failures).toEqual([]);
    harness.advanceTo(16_000);
    expect(harness.failures).toEqual([
      expect.objectContaining({
        code: 'TIMEOUT',
        message: expect.stringContaining("operator 'lookup' took longer") as string,
      }),
    ]);
    harness.process(3);
    calls.open.get(3)!.reject(new Error('refused'));
    await harness.settle();
    expect(harness.failures[1]).toMatchObject({ message: 'refused' });
  });

  it.each([true, false])('loses and repeats nothing, ordered %s', async (ordered) => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const calls = new Calls();
      const harness = await OperatorHarness.open(draw(calls, { capacity: 3, ordered }));
      let next = 0;
      while (harness.values.length < 200) {
        if (next < 200 && (calls.open.size === 0 || random.int(2) === 0)) {
          harness.process(next++);
          if (random.int(10) === 0) {
            harness.watermark(next);
          }
        } else {
          const open = [...calls.open.keys()];
          calls.answer(open[random.int(open.length)]!);
          await harness.settle();
        }
      }
      const numbers = harness.values.map((text) => Number(text.split(' ')[1]));
      const sorted = Array.from({ length: 200 }, (_, index) => index);
      expect(ordered ? numbers : numbers.toSorted((a, b) => a - b), `seed ${seed}`).toEqual(sorted);
      let seen = 0;
      for (const event of harness.events) {
        if (event.kind === 'record') {
          seen++;
        } else if (event.kind === 'watermark') {
          expect(seen, `seed ${seed}`).toBe(event.watermark);
        }
      }
      expect(calls.most).toBeLessThanOrEqual(3);
    }
  });
});
