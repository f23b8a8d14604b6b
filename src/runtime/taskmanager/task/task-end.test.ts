import { describe, expect, test } from 'vitest';
import { Gate, ScriptedSink, ScriptedSource } from '../test-support/scripted-connectors.ts';
import { ThreadHarness } from '../test-support/thread-harness.ts';

const setUp = (options: { readonly checkpointing?: boolean } = {}) => {
  const source = new ScriptedSource();
  const sink = new ScriptedSink();
  const harness = new ThreadHarness((env) => void env.from(source.source).rebalance().to(sink.sink), options);
  return { source, sink, harness };
};

const SOURCE = 'source';
const SINK = 'sink';

describe('the end of a task', () => {
  test('comes when the receivers have taken everything', async () => {
    const { harness, source, sink } = setUp();
    const opening = new Gate();
    sink.writer = { open: () => opening.promise };
    harness.deploy();
    source.emit(1, 2, 3);
    source.end();
    await harness.settle();
    expect(harness.states()).not.toContain(`${SOURCE} FINISHED`);
    opening.open();
    await harness.settle();
    expect(sink.written).toEqual(['1', '2', '3']);
    expect(harness.states().slice(-2)).toEqual([`${SOURCE} FINISHED`, `${SINK} FINISHED`]);
  });

  test.each([
    ['the producer first', [SOURCE, SINK]],
    ['the consumer first', [SINK, SOURCE]],
  ])('leaves no output behind for a consumer that never comes: %s', async (_, order) => {
    const { harness, source, sink } = setUp();
    const opening = new Gate();
    sink.writer = { open: () => opening.promise };
    harness.deploy();
    source.emit(1, 2, 3);
    source.end();
    await harness.settle();
    expect(harness.thread.heldChannels).toBeGreaterThan(0);
    for (const vertex of order) {
      harness.command(vertex, { kind: 'cancel' });
      await harness.settle();
    }
    opening.open();
    await harness.settle();
    expect(harness.states()).toEqual(expect.arrayContaining([`${SOURCE} CANCELED`, `${SINK} CANCELED`]));
    expect(harness.states()).not.toContain(`${SOURCE} FINISHED`);
    expect(harness.thread.heldChannels).toBe(0);
  });

  test('leaves no channel behind: a consumer that comes after its producer was cancelled waits until it is, too', async () => {
    const { harness, source, sink } = setUp();
    const opening = new Gate();
    sink.writer = { open: () => opening.promise };
    harness.deploy();
    source.emit(1, 2, 3);
    source.end();
    await harness.settle();
    harness.command(SOURCE, { kind: 'cancel' });
    await harness.settle();
    opening.open();
    await harness.settle();
    expect(harness.states()).toContain(`${SINK} RUNNING`);
    harness.command(SINK, { kind: 'cancel' });
    await harness.settle();
    expect(harness.states()).toContain(`${SINK} CANCELED`);
    expect(harness.thread.heldChannels).toBe(0);
  });

  test('a task cancelled while it is built ends when the building has ended', async () => {
    const { harness, source } = setUp();
    const loading = new Gate();
    harness.loading = loading.promise;
    harness.deploy();
    harness.command(SOURCE, { kind: 'cancel' });
    await harness.settle();
    expect(harness.states()).not.toContain(`${SOURCE} CANCELED`);
    loading.open();
    await harness.settle();
    expect(harness.states()).toContain(`${SOURCE} CANCELED`);
    expect(source.calls).not.toContain('open');
  });

  test('a task cancelled while an operator opens ends when that has opened, and is closed after it', async () => {
    const { harness, sink } = setUp({ checkpointing: true });
    const opening = new Gate();
    sink.writer = { open: () => opening.promise.then(() => void sink.calls.push('opened')) };
    harness.deploy();
    await harness.settle();
    harness.command(SINK, { kind: 'cancel' });
    await harness.settle();
    expect(harness.states()).not.toContain(`${SINK} CANCELED`);
    opening.open();
    await harness.settle();
    expect(harness.states().filter((state) => state.startsWith(SINK))).toEqual([
      `${SINK} INITIALIZING`,
      `${SINK} CANCELED`,
    ]);
    expect(sink.calls).toEqual(['opened', 'abort', 'close']);
  });

  test('nothing is opened, registered or connected after the cancellation', async () => {
    const { harness, source } = setUp();
    const opening = new Gate();
    source.reader = { open: () => opening.promise };
    harness.deploy();
    await harness.settle();
    harness.command(SOURCE, { kind: 'cancel' });
    opening.open();
    await harness.settle();
    expect(
      harness.reports.filter((report) => report.kind === 'task' && report.report.kind === 'reader-registered'),
    ).toEqual([]);
    expect(harness.states()).not.toContain(`${SOURCE} RUNNING`);
  });

  test('a task that fails while it opens reports that once, with the operator', async () => {
    const { harness, sink } = setUp();
    sink.writer = { open: () => Promise.reject(new Error('no connection')) };
    harness.deploy();
    await harness.settle();
    expect(harness.states().filter((state) => state.startsWith(SINK))).toEqual([
      `${SINK} INITIALIZING`,
      `${SINK} FAILED`,
    ]);
    expect(harness.errors()).toEqual([expect.stringContaining("operator 'sink' failed: no connection")]);
  });

  test('the consumer of a failed task does not fail by itself, so that the cause is what is told', async () => {
    const { harness, source } = setUp();
    harness.deploy();
    await harness.settle();
    source.reader = {};
    source.emit({
      toString: () => {
        throw new Error('x');
      },
    });
    await harness.settle();
    expect(harness.states().filter((state) => state.endsWith('FAILED'))).toEqual([`${SINK} FAILED`]);
    expect(harness.states()).not.toContain(`${SOURCE} FAILED`);
  });

  test('a failed task tells that it closes, so that somebody watches it', async () => {
    const { harness, sink, source } = setUp();
    const closing = new Gate();
    sink.writer = {
      write: () => {
        throw new Error('full');
      },
      close: () => closing.promise,
    };
    harness.deploy();
    source.emit(1);
    await harness.settle();
    expect(harness.reports.filter(({ kind }) => kind === 'failing')).toHaveLength(1);
    expect(harness.states()).not.toContain(`${SINK} FAILED`);
    closing.open();
    await harness.settle();
    expect(harness.states()).toContain(`${SINK} FAILED`);
  });

  test('an operator that fails to close does not hide why the task failed', async () => {
    const { harness, sink, source } = setUp();
    sink.writer = {
      write: () => {
        throw new Error('the cause');
      },
      close: () => {
        throw new Error('closing too');
      },
    };
    harness.deploy();
    source.emit(1);
    await harness.settle();
    expect(harness.errors()).toEqual([expect.stringContaining('the cause')]);
  });

  test.each([['x'], [null], [undefined], [Object.create(null)], [Symbol('s')], [{ toString: () => 1n }]])(
    'anything may be thrown (case %#)',
    async (thrown) => {
      const { harness, sink, source } = setUp();
      sink.writer = {
        write: () => {
          throw thrown;
        },
      };
      harness.deploy();
      source.emit(1);
      await harness.settle();
      expect(harness.errors()).toEqual([expect.stringContaining("operator 'sink' failed")]);
    },
  );

  test('timers that are left are cancelled with the task', async () => {
    const source = new ScriptedSource();
    const fired: number[] = [];
    const harness = new ThreadHarness((env) => {
      env
        .from(source.source)
        .keyBy(() => 'k')
        .process<number>({
          process: (_value, context) => context.timers.registerProcessingTime(2_000_000),
          onTimer: (timeMs) => void fired.push(timeMs),
        })
        .blackhole();
    });
    harness.deploy();
    source.emit(1);
    await harness.settle();
    for (const { vertex } of harness.execution.subtasks) {
      harness.command(vertex.name, { kind: 'cancel' });
    }
    await harness.settle();
    expect(harness.states().at(-1)).toMatch(/CANCELED$/);
    expect(harness.clock.timerCount).toBe(1); // the thread's own, for metrics
    harness.clock.advanceTo(3_000_000);
    await harness.settle();
    expect(fired).toEqual([]);
  });

  test('a processing-time timer does not fire behind the end of the input', async () => {
    const source = new ScriptedSource();
    const sink = new ScriptedSink();
    const harness = new ThreadHarness(
      (env) => {
        env
          .from(source.source)
          .keyBy(() => 'k')
          .process<string>({
            process: (_value, context) => context.timers.registerProcessingTime(2_000_000),
            onTimer: (_time, _context, out) => out.collect('late'),
          })
          .rebalance()
          .to(sink.sink);
      },
      { checkpointing: true },
    );
    harness.deploy();
    source.emit(1);
    source.end();
    await harness.settle();
    expect(sink.calls).toContain('endInput');
    harness.clock.advanceTo(3_000_000);
    await harness.settle();
    expect(sink.written).toEqual([]);
  });
});
