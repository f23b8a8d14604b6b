import { describe, expect, test } from 'vitest';
import { Gate, ScriptedSink, ScriptedSource } from '../test-support/scripted-connectors.ts';
import { ThreadHarness } from '../test-support/thread-harness.ts';

describe('a task whose receiver is slow', () => {
  test('reads no further than its credit goes, and goes on when credit comes back', async () => {
    const source = new ScriptedSource();
    const sink = new ScriptedSink();
    const gates: Gate[] = [];
    sink.writer = {
      maxInFlight: 1,
      write: () => {
        const gate = new Gate();
        gates.push(gate);
        return gate.promise;
      },
    };
    const harness = new ThreadHarness((env) => void env.from(source.source).rebalance().to(sink.sink));
    harness.deploy();
    source.emit(...Array.from({ length: 1000 }, (_, index) => 'x'.repeat(2000) + index));
    await harness.settle();
    const readAtFirst = 1000 - source.unread;
    expect(readAtFirst).toBeLessThan(10);
    for (let i = 0; i < 1000; i++) {
      gates[i]!.open();
      await harness.settle();
    }
    expect(gates).toHaveLength(1000);
    expect(source.unread).toBe(0);
  });

  test('fires no timers and takes no results of async calls meanwhile', async () => {
    const source = new ScriptedSource();
    const sink = new ScriptedSink();
    const gates: Gate[] = [];
    sink.writer = {
      maxInFlight: 1,
      write: () => {
        const gate = new Gate();
        gates.push(gate);
        return gate.promise;
      },
    };
    let fired = 0;
    const harness = new ThreadHarness((env) => {
      env
        .from(source.source)
        .keyBy(() => 'k')
        .process<string>({
          process: (_value, context) => context.timers.registerProcessingTime(context.currentProcessingTime + 1),
          onTimer: (timeMs, context, out) => {
            fired++;
            out.collect('x'.repeat(2000));
            context.timers.registerProcessingTime(timeMs + 1);
          },
        })
        .rebalance()
        .to(sink.sink);
    });
    harness.deploy();
    source.emit(1);
    await harness.settle();
    for (let i = 0; i < 100; i++) {
      harness.clock.advanceBy(1);
      await harness.settle();
    }
    expect(fired).toBeLessThan(10);
    for (let i = 0; i < 20; i++) {
      gates[i]!.open();
      await harness.settle();
    }
    expect(fired).toBeGreaterThan(20);
  });

  test('takes part in checkpoints all the same', async () => {
    const source = new ScriptedSource();
    const sink = new ScriptedSink();
    const stuck = new Gate();
    sink.writer = { maxInFlight: 1, write: () => stuck.promise };
    const harness = new ThreadHarness((env) => void env.from(source.source).rebalance().to(sink.sink), {
      checkpointing: true,
    });
    harness.deploy();
    source.emit(...Array.from({ length: 100 }, () => 'x'.repeat(2000)));
    await harness.settle();
    harness.trigger('source', 1);
    await harness.settle();
    expect(harness.acknowledged(1).map(({ vertex }) => vertex)).toEqual(['source']);
    // The barrier waits behind what is on its way; the coordinator gives up, and everything goes on.
    harness.decide('aborted', 1, 'source', 'sink');
    harness.trigger('source', 2);
    stuck.open();
    await harness.settle();
    expect(harness.acknowledged(1).map(({ vertex }) => vertex)).toEqual(['source']);
    expect(harness.acknowledged(2).map(({ vertex }) => vertex)).toEqual(['source', 'sink']);
    expect(harness.errors()).toEqual([]);
  });

  test('a task that prints waits when nobody takes its lines', async () => {
    const source = new ScriptedSource();
    const harness = new ThreadHarness((env) => void env.from(source.source).print());
    harness.deploy();
    source.emit(...Array.from({ length: 20_000 }, (_, index) => index));
    await harness.settle();
    const lines = (): number => harness.reports.filter(({ kind }) => kind === 'client').length;
    const first = lines();
    expect(first).toBeLessThan(6000);
    await harness.settle();
    expect(lines()).toBe(first);
    for (let taken = 0; taken < 20_000; taken += 256) {
      harness.thread.handle({ kind: 'taken', count: 256 });
      await harness.settle();
    }
    expect(lines()).toBe(20_000);
  });
});
