import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { Gate, ScriptedSink, ScriptedSource } from '../test-support/scripted-connectors.ts';
import { ThreadHarness } from '../test-support/thread-harness.ts';
import type { HarnessOptions } from '../test-support/thread-harness.ts';

const setUp = (options: HarnessOptions = {}) => {
  const source = new ScriptedSource();
  const sink = new ScriptedSink();
  const harness = new ThreadHarness((env) => void env.from(source.source).rebalance().to(sink.sink), {
    checkpointing: true,
    ...options,
  });
  return { source, sink, harness };
};

describe('a checkpoint in a task', () => {
  test('that is triggered before the task runs is taken when it does', async () => {
    const { harness, source, sink } = setUp();
    const opening = new Gate();
    source.reader = { open: () => opening.promise };
    harness.deploy();
    source.emit(1);
    harness.trigger('source', 1);
    await harness.settle();
    expect(harness.acknowledged(1)).toEqual([]);
    opening.open();
    await harness.settle();
    expect(harness.acknowledged(1).map(({ vertex }) => vertex)).toEqual(['source', 'sink']);
    // The trigger came first, so that the record belongs to the next checkpoint.
    expect(sink.calls).toEqual(['open', 'abort', 'prepare 1', 'write 1']);
  });

  test('takes nothing from input and mailbox while a sink prepares, and commands wait', async () => {
    const { harness, source, sink } = setUp();
    const preparing = new Gate();
    sink.writer = {
      prepare: (_name, id) => {
        sink.calls.push(`prepare ${id}`);
        return preparing.promise.then(() => ({ id }));
      },
    };
    harness.deploy();
    await harness.settle();
    harness.trigger('source', 1);
    await harness.settle();
    source.emit('behind');
    harness.decide('aborted', 1, 'source', 'sink');
    await harness.settle();
    expect(sink.calls).toEqual(['open', 'abort', 'prepare 1']);
    expect(harness.acknowledged(1).map(({ vertex }) => vertex)).toEqual(['source']);
    preparing.open();
    await harness.settle();
    expect(sink.calls).toEqual(['open', 'abort', 'prepare 1', 'write behind']);
  });

  test('fails the task when a sink cannot prepare, names it, and is not acknowledged', async () => {
    const { harness, sink } = setUp();
    sink.writer = { prepare: () => Promise.reject(new Error('disk full')) };
    harness.deploy();
    await harness.settle();
    harness.trigger('source', 1);
    await harness.settle();
    expect(harness.errors()).toEqual([expect.stringContaining("operator 'sink' failed: disk full")]);
    expect(harness.acknowledged(1).map(({ vertex }) => vertex)).toEqual(['source']);
  });

  test('is written with the limit of the job for what goes into the metadata', async () => {
    const limits: (number | undefined)[] = [];
    const { harness } = setUp({
      openTarget: (_barrier, { inlineThresholdBytes }) => {
        limits.push(inlineThresholdBytes);
        throw new MillraceError('UNSUPPORTED', 'seen enough');
      },
    });
    harness.deploy();
    await harness.settle();
    harness.trigger('source', 1);
    await harness.settle();
    expect(limits).toEqual([1024, 1024]);
  });

  test('is declined when its state cannot be written, and the task goes on', async () => {
    const storage = new MillraceError('FILESYSTEM', 'no space left on device');
    const { harness, source, sink } = setUp({
      openTarget: () => ({
        writtenBytes: 0,
        writeState: () => Promise.reject(storage),
        discard: () => Promise.resolve(),
      }),
    });
    harness.deploy();
    await harness.settle();
    harness.trigger('source', 1);
    await harness.settle();
    expect(harness.declined(1)).toContain('no space left on device');
    source.emit('next');
    await harness.settle();
    expect(sink.written).toEqual(['next']);
    expect(harness.errors()).toEqual([]);
  });

  test('is declined when there is no place to write to', async () => {
    const { harness } = setUp({
      openTarget: () => {
        throw new MillraceError('UNSUPPORTED', 'there is no s3: yet');
      },
    });
    harness.deploy();
    await harness.settle();
    harness.trigger('source', 1);
    await harness.settle();
    expect(harness.declined(1)).toEqual(['there is no s3: yet', 'there is no s3: yet']);
    expect(harness.errors()).toEqual([]);
  });

  test('what a cancelled task still writes is over before its end is told', async () => {
    const writing = new Gate();
    const discarded: string[] = [];
    const { harness, sink } = setUp({
      openTarget: () => ({
        writtenBytes: 0,
        writeState: () => writing.promise.then(() => ({ kind: 'inline' as const, bytes: new Uint8Array() })),
        discard: () => Promise.resolve(void discarded.push('discarded')),
      }),
    });
    harness.deploy();
    await harness.settle();
    harness.trigger('source', 1);
    await harness.settle();
    harness.command('sink', { kind: 'cancel' });
    await harness.settle();
    expect(sink.calls).toContain('close');
    expect(harness.states()).not.toContain('sink CANCELED');
    writing.open();
    await harness.settle();
    expect(harness.states()).toContain('sink CANCELED');
    expect(discarded).not.toEqual([]);
    expect(harness.acknowledged(1).map(({ vertex }) => vertex)).not.toContain('sink');
  });

  test('R11: an ended task finishes when the checkpoint that covers its end is committed', async () => {
    const { harness, source, sink } = setUp();
    const committing = new Gate();
    sink.writer = {
      commit: ({ value }) =>
        committing.promise.then(() => void sink.calls.push(`committed ${(value as { id: number }).id}`)),
    };
    harness.deploy();
    source.emit(1);
    source.end();
    await harness.settle();
    harness.trigger('source', 1);
    await harness.settle();
    expect(harness.acknowledged(1)).toEqual([
      { vertex: 'source', final: true },
      { vertex: 'sink', final: true },
    ]);
    expect(harness.states().filter((state) => state.endsWith('FINISHED'))).toEqual([]);
    harness.decide('completed', 1, 'source', 'sink');
    await harness.settle();
    expect(harness.states().filter((state) => state.endsWith('FINISHED'))).toEqual(['source FINISHED']);
    committing.open();
    await harness.settle();
    expect(harness.states().filter((state) => state.endsWith('FINISHED'))).toEqual([
      'source FINISHED',
      'sink FINISHED',
    ]);
  });

  test('R10: a floor that comes while it commits does not take the end back', async () => {
    const { harness, source, sink } = setUp();
    const committing = new Gate();
    sink.writer = { commit: () => committing.promise };
    harness.deploy();
    source.end();
    await harness.settle();
    harness.trigger('source', 1);
    await harness.settle();
    // A new leader, in the order in which it brings its tasks up to date.
    harness.decide('completed', 1, 'source', 'sink');
    harness.decide('floor', 2, 'source', 'sink');
    await harness.settle();
    committing.open();
    await harness.settle();
    expect(harness.states().filter((state) => state.endsWith('FINISHED'))).toHaveLength(2);
  });

  test('a commit that cannot be done fails the task, which does not finish', async () => {
    const { harness, source, sink } = setUp();
    sink.writer = { commit: () => Promise.reject(new MillraceError('FILE_NOT_FOUND', 'the transaction is gone')) };
    harness.deploy();
    source.end();
    await harness.settle();
    harness.trigger('source', 1);
    await harness.settle();
    harness.decide('completed', 1, 'sink');
    await harness.settle();
    expect(harness.states().at(-1)).toBe('sink FAILED');
    expect(harness.errors()).toEqual([expect.stringContaining('the transaction is gone')]);
  });
});

describe('a stop with savepoint', () => {
  test('emits nothing behind its barrier, not even when a producer has finished before', async () => {
    const source = new ScriptedSource();
    const sink = new ScriptedSink();
    const harness = new ThreadHarness(
      (env) => {
        env
          .from(source.source)
          .rebalance()
          .keyBy(() => 'k')
          .process<string>({
            process: (_value, context) => {
              context.timers.registerEventTime(5);
              context.timers.registerProcessingTime(1_000_010);
            },
            onTimer: (_time, context, out) => out.collect(context.timeDomain),
          })
          .name('timers')
          .disableChaining()
          .rebalance()
          .to(sink.sink);
      },
      { checkpointing: true },
    );
    harness.deploy();
    source.emit(1);
    await harness.settle();
    harness.trigger('source', 1, 'suspend');
    source.emit(2);
    await harness.settle();
    harness.decide('completed', 1, 'source');
    await harness.settle();
    harness.clock.advanceBy(100);
    await harness.settle();
    expect(harness.states()).toContain('source FINISHED');
    expect(sink.written).toEqual([]);
    expect(source.unread).toBe(1);
    harness.decide('completed', 1, 'timers', 'sink');
    await harness.settle();
    expect(sink.written).toEqual([]);
    expect(sink.calls.slice(-3)).toEqual(['prepare 1', 'commit 1', 'close']);
    expect(harness.states().filter((state) => state.endsWith('FINISHED'))).toHaveLength(3);
  });

  test('that is complete lets nothing go on while its sink commits, whatever a new leader says (R10)', async () => {
    const { harness, source, sink } = setUp();
    const committing = new Gate();
    sink.writer = { commit: () => committing.promise };
    harness.deploy();
    await harness.settle();
    harness.trigger('source', 1, 'suspend');
    await harness.settle();
    harness.decide('completed', 1, 'sink');
    harness.decide('floor', 1, 'sink');
    harness.decide('completed', 1, 'source');
    harness.decide('floor', 1, 'source');
    source.emit('behind');
    await harness.settle();
    committing.open();
    await harness.settle();
    expect(sink.written).toEqual([]);
    expect(harness.states().filter((state) => state.endsWith('FINISHED'))).toHaveLength(2);
  });

  test('that is aborted lets everything go on', async () => {
    const { harness, source, sink } = setUp();
    harness.deploy();
    await harness.settle();
    harness.trigger('source', 1, 'suspend');
    source.emit('held');
    await harness.settle();
    expect(sink.written).toEqual([]);
    harness.decide('aborted', 1, 'source', 'sink');
    await harness.settle();
    expect(sink.written).toEqual(['held']);
    harness.trigger('source', 2);
    await harness.settle();
    harness.decide('completed', 2, 'source', 'sink');
    await harness.settle();
    // R3: what the aborted one prepared goes with the next.
    expect(sink.calls.slice(-2)).toEqual(['commit 1', 'commit 2']);
  });

  test('with drain ends the input first', async () => {
    const { harness, source, sink } = setUp();
    harness.deploy();
    source.emit('last');
    await harness.settle();
    harness.trigger('source', 1, 'drain');
    await harness.settle();
    expect(sink.calls.slice(2)).toEqual(['write last', 'endInput', 'prepare 1']);
    harness.decide('completed', 1, 'source', 'sink');
    await harness.settle();
    expect(harness.states().filter((state) => state.endsWith('FINISHED'))).toHaveLength(2);
  });
});
