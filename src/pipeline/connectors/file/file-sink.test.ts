import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { seededRandom } from '../../../foundation/common/random.ts';
import { MemoryDisk } from '../../../foundation/filesystem/memory/memory-disk.ts';
import { MemoryFileSystem } from '../../../foundation/filesystem/memory/memory-file-system.ts';
import type { Sink } from '../sink.ts';
import { type AttemptOptions, JOB_ID, SINK_ID, SinkAttempt } from '../sink-harness.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { type FileFormat, fileSink, type FileSinkOptions, fileSinkBehavior } from './file-sink.ts';
import type { PreparedParts } from './file-sink-writer.ts';
import { textFormat } from './record-format.ts';

let disk: MemoryDisk;
let fs: MemoryFileSystem;

beforeEach(() => {
  disk = new MemoryDisk(() => 0);
  fs = new MemoryFileSystem({ disk });
});

type Options<T> = Partial<FileSinkOptions> & { readonly format?: FileFormat<T> };

const attemptOf = <T = string>(
  options: Options<T> = {},
  more: Partial<AttemptOptions<T, PreparedParts>> = {},
): Promise<SinkAttempt<T, PreparedParts>> => {
  const path = options.path ?? '/out';
  return new SinkAttempt({ behavior: fileSinkBehavior<T>({ ...options, path }, () => ({ fs, path })), ...more }).open();
};

const complete = async <T>(attempt: SinkAttempt<T, PreparedParts>, checkpointId: number): Promise<void> => {
  await attempt.checkpoint(checkpointId);
  await attempt.operator.checkpointCompleted(checkpointId);
};

const files = async (folder = '/out'): Promise<Record<string, string>> => {
  const content: Record<string, string> = {};
  for (const { name } of await fs.list(folder)) {
    content[name.replace(`${JOB_ID}-${SINK_ID}`, 'T')] = Buffer.from(await fs.read(`${folder}/${name}`)).toString();
  }
  return content;
};

describe('fileSink', () => {
  it('shows a file when its checkpoint is complete and hides it until then', async () => {
    const attempt = await attemptOf();
    attempt.write('a', 'b');
    await attempt.checkpoint(1);
    expect(await files()).toEqual({ '.part-T-0-1.1-1.pending': 'a\nb\n' });
    await attempt.operator.checkpointCompleted(1);
    expect(await files()).toEqual({ 'part-0-0000000000': 'a\nb\n' });
    await complete(attempt, 2);
    attempt.write('c');
    await complete(attempt, 3);
    expect(await files()).toEqual({ 'part-0-0000000000': 'a\nb\n', 'part-0-0000000001': 'c\n' });
  });

  it('rolls by size, several files in one checkpoint', async () => {
    const attempt = await attemptOf({ rolling: { maxSize: 4 }, prefix: 'x', suffix: '.txt' });
    attempt.write('aa', 'bb', 'cc');
    await complete(attempt, 1);
    expect(await files()).toEqual({ 'x-0-0000000000.txt': 'aa\nbb\n', 'x-0-0000000001.txt': 'cc\n' });
  });

  it('rolls by age, over checkpoints', async () => {
    const clock = new ManualClock();
    const attempt = await attemptOf({ rolling: { maxAge: '1min', onCheckpoint: false } }, { clock });
    attempt.write('a');
    await complete(attempt, 1);
    attempt.write('b');
    clock.advanceBy(59_000);
    await complete(attempt, 2);
    expect(await files()).toEqual({ '.part-T-0-1.1-1.inprogress': 'a\nb\n' });
    clock.advanceBy(1000);
    await complete(attempt, 3);
    expect(await files()).toEqual({ 'part-0-0000000000': 'a\nb\n' });
    attempt.write('c');
    await attempt.operator.endInput();
    await complete(attempt, 4);
    expect(await files()).toEqual({ 'part-0-0000000000': 'a\nb\n', 'part-0-0000000001': 'c\n' });
  });

  it('writes in chunks while records come, and holds them back when the disk is slower', async () => {
    const attempt = await attemptOf();
    const line = 'x'.repeat(1023);
    for (let i = 0; i < 6000; i++) {
      attempt.write(line);
    }
    expect(attempt.operator.isAvailable()).toBe(false);
    await complete(attempt, 1);
    expect(attempt.operator.isAvailable()).toBe(true);
    expect((await files())['part-0-0000000000']).toBe(`${line}\n`.repeat(6000));
  });

  it('writes everything at the end of a job without checkpoints', async () => {
    const attempt = await attemptOf({}, { checkpointing: false });
    attempt.write('a');
    await attempt.operator.endInput();
    expect(await files()).toEqual({ 'part-0-0000000000': 'a\n' });
  });

  it('deletes what nobody can commit when it is closed early, and keeps what is prepared', async () => {
    const attempt = await attemptOf({ rolling: { maxSize: 2 } });
    attempt.write('a');
    await attempt.checkpoint(1);
    attempt.write('b', '');
    await attempt.operator.close();
    expect(await files()).toEqual({ '.part-T-0-1.1-1.pending': 'a\n' });
  });

  it('deletes what an attempt that was given up makes when it is woken, and nothing of a region that goes on', async () => {
    const clock = new ManualClock();
    const paused = await attemptOf({}, { clock, parallelism: 2 });
    const neighbour = await attemptOf({}, { clock, parallelism: 2, subtask: 1 });
    const restored = { checkpointId: 1, subtasks: [await paused.checkpoint(1), await neighbour.checkpoint(1)] };
    const next = await attemptOf({}, { clock, parallelism: 2, generation: '1.2', restored });
    neighbour.write('counted one day');
    await neighbour.checkpoint(2);
    const hidden = async (): Promise<readonly string[]> =>
      Object.keys(await files()).filter((name) => name.startsWith('.'));
    const kept = '.part-T-1-1.1-1.pending';

    paused.write('never counted');
    await paused.checkpoint(2);
    expect((await hidden()).toSorted()).toEqual(['.part-T-0-1.1-1.pending', kept]);
    clock.advanceBy(30_000);
    next.write('a');
    await complete(next, 3);
    expect(await hidden()).toEqual([kept]);

    paused.write('never counted');
    clock.advanceBy(59_000);
    next.write('b');
    await complete(next, 4);
    expect((await hidden()).toSorted()).toEqual(['.part-T-0-1.1-2.inprogress', kept]);
    next.write('c');
    await next.operator.endInput();
    await complete(next, 5);
    expect(await hidden()).toEqual([kept]);
    expect(Object.values(await files())).toEqual(['counted one day\n', 'a\n', 'b\n', 'c\n']);
  });

  it('continues above the numbers of other runs and of all restored writers', async () => {
    await fs.write('/out/part-0-0000000007', Buffer.from('old\n'));
    await fs.write('/out/part-1-0000000099', Buffer.from('of another subtask\n'));
    const first = await attemptOf();
    first.write('a');
    const lists = await first.checkpoint(1);
    const restored = { checkpointId: 1, subtasks: [lists] };
    const second = await attemptOf({}, { subtask: 0, parallelism: 2, generation: '1.2', restored });
    second.write('b');
    await complete(second, 2);
    expect(Object.keys(await files())).toEqual([
      'part-0-0000000007',
      'part-0-0000000008',
      'part-0-0000000009',
      'part-1-0000000099',
    ]);
  });

  it('removes what an attempt left whose transactions have the numbers of kept ones', async () => {
    const first = await attemptOf();
    await first.checkpoint(1);
    first.write('a');
    const lists = await first.checkpoint(2);
    first.write('b');
    await first.checkpoint(3);
    expect(Object.keys(await files())).toEqual(['.part-T-0-1.1-1.pending', '.part-T-0-1.1-2.pending']);
    await attemptOf({}, { generation: '1.2', restored: { checkpointId: 2, subtasks: [lists] } });
    expect(await files()).toEqual({ 'part-0-0000000000': 'a\n' });
  });

  it('makes durable what a killed process renamed', async () => {
    for (let seed = 0; seed < 20; seed++) {
      disk = new MemoryDisk(() => 0);
      let killed = false;
      const dying = new MemoryFileSystem({
        disk,
        tap: ({ name, path }) => {
          if (killed) {
            throw new Error('killed');
          }
          killed = name === 'rename' && path.endsWith('part-0-0000000000');
        },
      });
      fs = dying;
      const first = await attemptOf();
      first.write('a');
      const lists = await first.checkpoint(1);
      await first.operator.checkpointCompleted(1).catch(() => undefined);
      disk.killProcess();
      fs = new MemoryFileSystem({ disk });
      await attemptOf({}, { generation: '1.2', restored: { checkpointId: 1, subtasks: [lists] } });
      disk.crash(seededRandom(seed));
      expect(await files()).toEqual({ 'part-0-0000000000': 'a\n' });
    }
  });

  it('commits in its old folder after the path was changed, in the new one when the output was moved', async () => {
    const first = await attemptOf();
    first.write('a');
    const restored = { checkpointId: 1, subtasks: [await first.checkpoint(1)] };
    await attemptOf({ path: '/other' }, { generation: '1.2', restored });
    expect(await files()).toEqual({ 'part-0-0000000000': 'a\n' });
    await fs.rename('/out/part-0-0000000000', '/moved/part-0-0000000000');
    await fs.deleteFolder('/out');
    await attemptOf({ path: '/moved' }, { generation: '1.3', restored });
    expect(await files('/moved')).toEqual({ 'part-0-0000000000': 'a\n' });
  });

  it('calls it a loss when a prepared file is gone, unless files are taken away', async () => {
    const first = await attemptOf();
    first.write('a');
    const restored = { checkpointId: 1, subtasks: [await first.checkpoint(1)] };
    await fs.deleteFolder('/out');
    await expect(attemptOf({}, { generation: '1.2', restored })).rejects.toThrow(
      /output is lost: a completed checkpoint lists \/out\/\.part-.*\.pending, but neither/,
    );
    await attemptOf({ takenAway: true }, { generation: '1.2', restored });
  });

  it('never replaces a file of somebody else', async () => {
    const attempt = await attemptOf();
    attempt.write('mine');
    await attempt.checkpoint(1);
    await fs.write('/out/part-0-0000000000', Buffer.from('your\n'));
    await expect(attempt.operator.checkpointCompleted(1)).rejects.toThrow(/Two jobs seem to write to one folder/);
    expect((await files())['part-0-0000000000']).toBe('your\n');
  });

  it('starts from an older checkpoint behind what it committed: that stays, what follows is written again', async () => {
    const first = await attemptOf();
    first.write('a');
    const older = await first.checkpoint(1);
    await first.operator.checkpointCompleted(1);
    first.write('b');
    await complete(first, 2);
    first.write('c');
    await first.checkpoint(3);
    const restored = { checkpointId: 1, subtasks: [older] };
    const second = await attemptOf({}, { generation: '2.1', restored });
    // Of a checkpoint that this attempt had no part in.
    await second.operator.checkpointCompleted(2);
    second.write('b', 'c');
    await complete(second, 4);
    expect(await files()).toEqual({
      'part-0-0000000000': 'a\n',
      'part-0-0000000001': 'b\n',
      'part-0-0000000002': 'b\nc\n',
    });
  });

  it('starts from an older checkpoint that knows a file as open which was committed since', async () => {
    const options: Options<string> = { rolling: { maxSize: 4, onCheckpoint: false } };
    const first = await attemptOf(options);
    first.write('a');
    const older = await first.checkpoint(1);
    await first.operator.checkpointCompleted(1);
    first.write('b', 'c');
    await complete(first, 2);
    const restored = { checkpointId: 1, subtasks: [older] };
    const second = await attemptOf(options, { generation: '2.1', restored });
    second.write('b', 'c');
    await second.operator.endInput();
    await complete(second, 3);
    expect(await files()).toEqual({
      'part-0-0000000000': 'a\nb\n',
      'part-0-0000000001': 'a\n',
      'part-0-0000000002': 'b\nc\n',
    });
  });

  it('refuses options that make no sense', () => {
    expect(() => fileSink('out' as unknown as { path: string })).toThrow(/fileSink\(\{ path: 'out' \}\)/);
    expect(() => fileSink({ path: 's3://bucket/x' })).toThrow(/there is no file system for "s3:"/);
    expect(() => fileSink({ path: 'out', rolling: { onCheckpoint: false } })).toThrow(/would never close a file/);
    expect(() => fileSink({ path: 'out', prefix: '.x' })).toThrow(/prefix/);
    expect(() => fileSink({ path: 'out', format: 'xml' as 'json' })).toThrow(/"xml"; allowed: text, json, csv/);
    expect(() => fileSink({ path: 'out', rolling: { maxSize: 'big' as '1mb' } })).toThrow(/rolling.maxSize is "big"/);
  });

  it('refuses records that have no text of their own', () => {
    const { format } = textFormat();
    expect([1, 2n, true, 'x'].map((record) => format(record))).toEqual(['1\n', '2\n', 'true\n', 'x\n']);
    expect(() => format({ a: 1 })).toThrow(/of type object; set its format to json/);
    expect(() => format(undefined)).toThrow(/not undefined/);
    expect(() => format(null)).toThrow(/not null/);
  });

  it('has types', () => {
    expectTypeOf(fileSink({ path: 'x' })).toEqualTypeOf<Sink<string | number | bigint | boolean>>();
    expectTypeOf(fileSink({ path: 'x', format: 'json' })).toEqualTypeOf<Sink<unknown>>();
    expectTypeOf(fileSink({ path: 'x', format: (row: { a: number }) => `${row.a}` })).toEqualTypeOf<
      Sink<{ a: number }>
    >();
    const csv: Sink<{ a: number; b: string }> = fileSink<{ a: number; b: string }>({
      path: 'x',
      format: { csv: { columns: ['b', 'a'] } },
    });
    expect(csv.kind).toBe('file');
  });
});

describe('formats of fileSink', () => {
  const written = async <T>(format: FileFormat<T>, ...records: readonly T[]): Promise<string> => {
    const attempt = await attemptOf<T>({ format });
    attempt.write(...records);
    await complete(attempt, 1);
    return (await files())['part-0-0000000000'] ?? '';
  };

  it('json', async () => {
    const record = { a: 1, b: 12345678901234567890n, c: 'ü\n', d: undefined };
    expect(await written<unknown>('json', record, null, 'x')).toBe(
      '{"a":1,"b":12345678901234567890,"c":"ü\\n"}\nnull\n"x"\n',
    );
    await expect(written<unknown>('json', undefined)).rejects.toThrow('a record that is undefined');
  });

  it('csv', async () => {
    const at = new Date('2026-01-31T12:00:00Z');
    expect(await written<object>('csv', { a: 1, b: 'x, "y"', at }, { a: null, b: ' z', at: undefined })).toBe(
      '1,"x, ""y""",2026-01-31T12:00:00.000Z\n," z",\n',
    );
  });

  it('csv with header, columns, delimiter', async () => {
    const format = { csv: { columns: ['b', 'a'], header: true, delimiter: ';' } } as const;
    expect(await written<{ a: number; b: string }>(format, { a: 1, b: 'x' }, { a: 2, b: 'y;z' })).toBe(
      'b;a\nx;1\n"y;z";2\n',
    );
  });

  it('csv refuses a field that the first record had not', async () => {
    await expect(written<object>('csv', { a: 1 }, { a: 1, b: 2 })).rejects.toThrow(/the field "b", which the first/);
  });

  it('a function', async () => {
    expect(await written<{ a: number }>(({ a }) => `<${a}>`, { a: 1 })).toBe('<1>\n');
    await expect(written<{ a: number }>(() => 1 as unknown as string, { a: 1 })).rejects.toThrow(/returned number/);
  });
});
