import { describe, expect, it } from 'vitest';
import type { AbortScope, Prepared, Sink } from '../sink.ts';
import { SinkAttempt } from '../sink-harness.ts';
import { sink } from './index.ts';

const behaviorOf = <T>(made: Sink<T>) => made.behavior;

describe('custom sink', () => {
  it('writes each record, in order, with at most maxInFlight pending', async () => {
    const started: number[] = [];
    const settle: (() => void)[] = [];
    const numbers = sink({
      name: 'numbers',
      maxInFlight: 2,
      write: (value: number) => {
        started.push(value);
        return new Promise<void>((resolve) => settle.push(resolve));
      },
    });
    const attempt = await new SinkAttempt({ behavior: behaviorOf(numbers) }).open();
    attempt.write(1, 2, 3);
    expect(started).toEqual([1, 2]);
    const checkpoint = attempt.checkpoint(1);
    settle[0]!();
    await new Promise(setImmediate);
    settle[1]!();
    settle[2]!();
    expect((await checkpoint)['sink-prepared']).toEqual([]);
    expect(started).toEqual([1, 2, 3]);
  });

  it('fails the task when write rejects or throws', async () => {
    const error = new Error('refused');
    const rejecting = sink({ name: 'r', write: (_value: number) => Promise.reject(error) });
    const attempt = await new SinkAttempt({ behavior: behaviorOf(rejecting) }).open();
    attempt.write(1);
    await expect(attempt.checkpoint(1)).rejects.toBe(error);
    expect(attempt.failure).toBe(error);
    const throwing = sink({
      name: 't',
      write: (_value: number) => {
        throw error;
      },
    });
    const other = await new SinkAttempt({ behavior: behaviorOf(throwing) }).open();
    expect(() => other.write(1)).toThrow(error);
  });

  it('commits what it prepared, each subtask with functions of its own', async () => {
    const published: string[] = [];
    const scopes: AbortScope[] = [];
    const made = sink({
      name: 'batches',
      create: ({ subtask }) => {
        const rows: string[] = [];
        return {
          write: (value: string) => rows.push(`${subtask}${value}`),
          prepare: async () => (rows.length === 0 ? undefined : { rows: rows.splice(0) }),
          commit: ({ value }: Prepared<{ rows: string[] }>) => void published.push(...value.rows),
          abort: (scope) => void scopes.push(scope),
        };
      },
    });
    const attempts = await Promise.all(
      [0, 1].map((subtask) => new SinkAttempt({ behavior: behaviorOf(made), subtask, parallelism: 2 }).open()),
    );
    expect(scopes).toHaveLength(2);
    attempts[0]!.write('a');
    attempts[1]!.write('b');
    for (const attempt of attempts) {
      await attempt.checkpoint(1);
      await attempt.operator.checkpointCompleted(1);
    }
    expect(published).toEqual(['0a', '1b']);
    expect(made.parallelism).toBeUndefined();
  });

  it('keeps `this` of an object with methods', async () => {
    class Counting {
      readonly name = 'counting';
      opened = 0;
      sum = 0;
      open(): void {
        this.opened++;
      }
      write(value: number): void {
        this.sum += value;
      }
    }
    const counting = new Counting();
    const made = sink<number>(counting);
    const attempt = await new SinkAttempt({ behavior: behaviorOf(made) }).open();
    attempt.write(1, 2);
    expect(counting).toMatchObject({ opened: 1, sum: 3 });
    expect(made.parallelism).toBe(1);
  });

  it('refuses half of a pair, and options that make no sense', () => {
    expect(() => sink({ name: 'x', write: () => {}, prepare: () => 1 })).toThrow(
      'sink "x" has "prepare" but no "commit"; give both or none',
    );
    expect(() => sink({ name: 'x', write: () => {}, commit: () => {} })).toThrow('has "commit" but no "prepare"');
    expect(() => sink({ name: 'x', write: () => {}, maxInFlight: 0 })).toThrow('"maxInFlight" is 0');
  });

  it('says that a transaction of an earlier version cannot be committed any more', async () => {
    const before = sink({
      name: 'x',
      write: (_value: number) => {},
      prepare: () => 'something',
      commit: () => {},
    });
    const first = await new SinkAttempt({ behavior: behaviorOf(before) }).open();
    const restored = { checkpointId: 1, subtasks: [await first.checkpoint(1)] };
    const after = sink({ name: 'x', write: (_value: number) => {} });
    const second = new SinkAttempt({ behavior: behaviorOf(after), generation: '1.2', restored });
    await expect(second.open()).rejects.toThrow('sink "x" has no "commit", but the restored checkpoint lists');
  });
});
