import { describe, expect, test } from 'vitest';
import { ScriptedSink, ScriptedSource } from '../test-support/scripted-connectors.ts';
import { ThreadHarness } from '../test-support/thread-harness.ts';

/** Two sources, of which the first delivers the barrier of checkpoint 1. */
const aligning = async () => {
  const [a, b] = [new ScriptedSource(), new ScriptedSource()];
  const sink = new ScriptedSink();
  const harness = new ThreadHarness(
    (env) => {
      const left = env.from({ ...a.source, name: 'left' });
      const right = env.from({ ...b.source, name: 'right' });
      left.union(right).rebalance().to(sink.sink);
    },
    { checkpointing: true },
  );
  harness.deploy();
  await harness.settle();
  harness.trigger('left', 1);
  await harness.settle();
  a.emit('held');
  await harness.settle();
  return {
    harness,
    sink,
    limit: (limitMs: number | undefined) => harness.thread.handle({ kind: 'alignment-limit', limitMs }),
    pass: async (ms: number) => {
      harness.clock.advanceBy(ms);
      await harness.settle();
    },
  };
};

describe('R10: without a leader', () => {
  test('an alignment ends 100 ms after it began, for good', async () => {
    const { harness, sink, limit, pass } = await aligning();
    limit(100);
    await pass(99);
    expect(sink.written).toEqual([]);
    await pass(1);
    expect(sink.written).toEqual(['held']);
    harness.trigger('right', 1);
    await pass(1_000);
    expect(harness.acknowledged(1).map(({ vertex }) => vertex)).not.toContain('sink');
  });

  test('one that has taken longer ends at once', async () => {
    const { sink, limit, pass } = await aligning();
    await pass(5_000);
    expect(sink.written).toEqual([]);
    limit(100);
    await pass(0);
    expect(sink.written).toEqual(['held']);
  });

  test('a leader that comes in time lets it go on', async () => {
    const { harness, sink, limit, pass } = await aligning();
    limit(100);
    await pass(99);
    limit(undefined);
    await pass(5_000);
    expect(sink.written).toEqual([]);
    harness.trigger('right', 1);
    await harness.settle();
    expect(sink.written).toEqual(['held']);
    expect(harness.acknowledged(1).map(({ vertex }) => vertex)).toContain('sink');
  });

  test('one that begins meanwhile, in a task deployed meanwhile, ends too', async () => {
    const source = new ScriptedSource();
    const other = new ScriptedSource();
    const sink = new ScriptedSink();
    const harness = new ThreadHarness(
      (env) => {
        const left = env.from({ ...source.source, name: 'left' });
        left
          .union(env.from({ ...other.source, name: 'right' }))
          .rebalance()
          .to(sink.sink);
      },
      { checkpointing: true },
    );
    harness.thread.handle({ kind: 'alignment-limit', limitMs: 100 });
    harness.deploy();
    await harness.settle();
    harness.trigger('left', 1);
    await harness.settle();
    source.emit('held');
    await harness.settle();
    expect(sink.written).toEqual([]);
    harness.clock.advanceBy(100);
    await harness.settle();
    expect(sink.written).toEqual(['held']);
  });
});
