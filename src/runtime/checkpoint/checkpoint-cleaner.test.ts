import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import type { StateHandle } from '../state/state-handle.ts';
import { CheckpointCleaner } from './checkpoint-cleaner.ts';
import type { CheckpointMetadata } from './metadata.ts';
import { checkDataFiles, readCheckpoint } from './read-checkpoint.ts';
import { filesOf } from './referenced-files.ts';
import { jobFolder, keyed, metadataOf, StoredJob, text } from './test-support/stored-job.ts';
import { writeMetadata } from './write-metadata.ts';

const sharedOf = (metadata: CheckpointMetadata): StateHandle[] =>
  metadata.operators[0]!.subtasks[0]!.keyed[0]!.segments.map((segment) => segment.handle);

let job: StoredJob;
beforeEach(() => {
  job = new StoredJob();
});

describe('the cleaner', () => {
  const retained = (metadata: CheckpointMetadata) => ({
    checkpointId: metadata.checkpointId,
    files: filesOf(metadata).keys(),
  });
  const fileNames = (metadata: CheckpointMetadata): string[] => [...filesOf(metadata).keys()];

  test('deletes what retires and keeps what is shared with what stays', async () => {
    const first = await job.complete(1);
    const second = await job.complete(2, sharedOf(first));
    const third = await job.complete(3, sharedOf(second).slice(0, 1));
    await job.fs.write(`${jobFolder}/chk-1/left-1-0123456789abcdef`, text('of a task that failed'));
    const cleaner = new CheckpointCleaner(job.fs, jobFolder, silentLogger);
    const completed = [first, second, third];
    const input = {
      completed: completed.map((metadata) => ({ ...retained(metadata), files: fileNames(metadata) })),
      numRetained: 1,
    };
    expect(await cleaner.retire({ ...input, held: new Set([2]) })).toEqual([1]);
    for (const metadata of [second, third]) {
      await checkDataFiles(
        await readCheckpoint(`${jobFolder}/chk-${metadata.checkpointId}`, { locate: job.locate }),
        job.locate,
      );
    }
    expect(await job.fs.stat(`${jobFolder}/chk-1`)).toBeUndefined();
    expect(await cleaner.retire({ ...input, completed: input.completed.slice(1), held: new Set() })).toEqual([2]);
    expect(await job.files(jobFolder)).toEqual([...fileNames(third), 'chk-3/_metadata'].sort());
  });

  test('keeps a file in the folder of a checkpoint that goes, when one that stays refers to it', async () => {
    const first = await job.complete(1);
    const ofEndedTask = first.operators[0]!.subtasks[0]!;
    const second = metadataOf(2, [ofEndedTask]);
    await writeMetadata(job.fs, jobFolder, second);
    const cleaner = new CheckpointCleaner(job.fs, jobFolder, silentLogger);
    await job.fs.write(`${jobFolder}/chk-1/left-1-0123456789abcdef`, text('of a task that failed'));
    await cleaner.delete([retained(first)], [retained(second)]);
    await checkDataFiles(await readCheckpoint(jobFolder, { locate: job.locate }), job.locate);
    expect(await job.files(jobFolder)).toEqual([...fileNames(second), 'chk-2/_metadata'].toSorted());
    const third = await job.complete(3);
    await cleaner.delete([retained(second)], [retained(third)]);
    expect(await job.fs.stat(`${jobFolder}/chk-1`)).toBeUndefined();
    await expect(cleaner.delete([retained(third)], [])).rejects.toThrow('the newest completed checkpoint is retained');
  });

  test('collects what nothing refers to and nothing else', async () => {
    const first = await job.complete(4);
    await job.target(2).writeState('exclusive', [text('aborted long ago')]);
    await job.target(3).writeState('shared', [text('aborted long ago')]);
    await job.fs.write(`${jobFolder}/notes`, text('of a person'));
    await job.fs.write(`${jobFolder}/shared/notes`, text('of a person'));
    const pending = await job.target(5).writeState('shared', [text('of a pending checkpoint')]);
    await new CheckpointCleaner(job.fs, jobFolder, silentLogger).collect([
      { checkpointId: 4, files: fileNames(first) },
    ]);
    const expected = [
      ...fileNames(first),
      'chk-4/_metadata',
      'notes',
      'shared/notes',
      (pending as { path: string }).path,
    ];
    expect(await job.files(jobFolder)).toEqual(expected.sort());
    expect(await job.fs.stat(`${jobFolder}/chk-2`)).toBeUndefined();
  });

  test('deletes folders whose files were deleted by somebody who then died, older than the newest only', async () => {
    const newest = await job.complete(4);
    await job.fs.makeFolder(`${jobFolder}/chk-2`);
    await job.fs.makeFolder(`${jobFolder}/chk-5`);
    await new CheckpointCleaner(job.fs, jobFolder, silentLogger).collect([retained(newest)]);
    expect(await job.fs.stat(`${jobFolder}/chk-2`)).toBeUndefined();
    expect(await job.fs.stat(`${jobFolder}/chk-5`)).toBeDefined();
  });

  test('discards an aborted checkpoint without touching its base', async () => {
    const base = await job.complete(4);
    const target = job.target(5);
    const state = keyed(...sharedOf(base), await target.writeState('shared', [text('change since 4')]));
    const operatorState = await target.writeState('exclusive', [text('exclusive state')]);
    await new CheckpointCleaner(job.fs, jobFolder, silentLogger).discardAborted(5, [{ ...state, operatorState }]);
    expect(await job.files(jobFolder)).toEqual([...fileNames(base), 'chk-4/_metadata'].sort());
    expect(await job.fs.stat(`${jobFolder}/chk-5`)).toBeUndefined();
  });

  test('deletes all checkpoints of a job that has ended, not what others put there', async () => {
    await job.complete(4);
    await job.complete(5);
    const cleaner = new CheckpointCleaner(job.fs, jobFolder, silentLogger);
    await job.fs.write(`${jobFolder}/chk-4/notes`, text('of a person'));
    expect(await cleaner.deleteAll()).toBe(true);
    expect(await job.files(jobFolder)).toEqual(['chk-4/notes']);
    await job.fs.delete(`${jobFolder}/chk-4/notes`);
    await job.complete(6);
    await cleaner.deleteAll();
    expect(await job.files(jobFolder)).toEqual([]);
  });

  test('deletes no file while a pointer to it cannot be deleted, and only logs that', async () => {
    const first = await job.complete(1);
    const second = await job.complete(2);
    const stubborn = new MemoryFileSystem({
      disk: job.fs.disk,
      tap: ({ name, path }) => {
        if (name === 'removeFile' && path.endsWith('_metadata')) {
          throw Object.assign(new Error('denied'), { code: 'EACCES' });
        }
      },
    });
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const completed = [first, second].map((metadata) => ({ ...retained(metadata), files: fileNames(metadata) }));
    await new CheckpointCleaner(stubborn, jobFolder, logger).retire({ completed, numRetained: 1, held: new Set() });
    await checkDataFiles(await readCheckpoint(`${jobFolder}/chk-1`, { locate: job.locate }), job.locate);
    expect(warnings).toEqual([expect.stringContaining('cannot delete chk-1/_metadata of an old checkpoint')]);
  });
});
