import { describe, expect, it } from 'vitest';
import { blackhole, collect, type CollectedTransaction, CollectedRows, print } from './built-in-sinks.ts';
import { SinkAttempt } from './sink-harness.ts';

const linesOf = async (
  prefix: string | undefined,
  at: { subtask?: number; parallelism?: number },
  ...values: unknown[]
) => {
  const lines: unknown[] = [];
  const toClient = (channel: string, line: unknown): void => {
    expect(channel).toBe('stdout');
    lines.push(line);
  };
  const attempt = await new SinkAttempt({ behavior: print(prefix).behavior, ...at, toClient }).open();
  attempt.write(...values);
  return lines;
};

describe('print', () => {
  it('shows values, the subtask in front where there are several', async () => {
    expect(await linesOf(undefined, {}, 1, 'a b', 3n, null, { a: [1, { b: 'x' }] })).toEqual([
      '1',
      'a b',
      '3',
      'null',
      "{ a: [ 1, { b: 'x' } ] }",
    ]);
    expect(await linesOf(undefined, { subtask: 2, parallelism: 4 }, 'a')).toEqual(['3> a']);
    expect(await linesOf('sum', {}, 'a')).toEqual(['sum> a']);
    expect(await linesOf('sum', { subtask: 0, parallelism: 2 }, 'a')).toEqual(['sum:1> a']);
  });
});

describe('blackhole', () => {
  it('drops everything and has nothing to commit', async () => {
    const attempt = await new SinkAttempt({ behavior: blackhole().behavior }).open();
    attempt.write(1, 2);
    expect((await attempt.checkpoint(1))['sink-prepared']).toEqual([]);
  });
});

describe('collect', () => {
  const receiving = () => {
    const received = new CollectedRows<number>();
    const toClient = (channel: string, payload: unknown): void => {
      expect(channel).toBe('numbers');
      received.accept(payload as CollectedTransaction<number>);
    };
    return { received, toClient };
  };

  it('hands rows out when their checkpoint is complete, once', async () => {
    const { received, toClient } = receiving();
    const { behavior } = collect<number>('numbers');
    const first = await new SinkAttempt({ behavior, toClient }).open();
    first.write(1, 2);
    const lists = await first.checkpoint(1);
    expect(received.rows).toEqual([]);
    await first.operator.checkpointCompleted(1);
    expect(received.rows).toEqual([1, 2]);
    first.write(3);
    await first.checkpoint(2);
    const restored = { checkpointId: 1, subtasks: [lists] };
    const second = await new SinkAttempt({ behavior, toClient, restored, generation: '1.2' }).open();
    expect(received.rows).toEqual([1, 2]);
    second.write(3, 4);
    await second.checkpoint(3);
    await second.operator.checkpointCompleted(3);
    expect(received.rows).toEqual([1, 2, 3, 4]);
  });

  it('hands rows out as they come in a job without checkpoints', async () => {
    const { received, toClient } = receiving();
    const { behavior } = collect<number>('numbers');
    const attempt = await new SinkAttempt({ behavior, toClient, checkpointing: false }).open();
    attempt.write(1, 2);
    await Promise.resolve();
    expect(received.rows).toEqual([1, 2]);
    attempt.write(3);
    await attempt.operator.endInput();
    await Promise.resolve();
    expect(received.rows).toEqual([1, 2, 3]);
  });
});
