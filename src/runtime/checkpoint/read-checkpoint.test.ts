import { beforeEach, describe, expect, test } from 'vitest';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import { checkDataFiles, listCheckpoints, newerCheckpoint, readCheckpoint } from './read-checkpoint.ts';
import { filesOf } from './referenced-files.ts';
import { jobFolder, jobId, keyed, metadataOf, StoredJob, text } from './test-support/stored-job.ts';
import { writeMetadata } from './write-metadata.ts';

let job: StoredJob;
beforeEach(() => {
  job = new StoredJob();
});

describe('metadata', () => {
  test('are written once; the same again is success, others are refused', async () => {
    const first = metadataOf(3, [keyed({ kind: 'inline', bytes: text('a') })]);
    const written = await writeMetadata(job.fs, jobFolder, first);
    expect(written).toMatchObject({ folder: `${jobFolder}/chk-3`, path: `${jobFolder}/chk-3/_metadata` });
    await writeMetadata(job.fs, jobFolder, first);
    await expect(
      writeMetadata(job.fs, jobFolder, metadataOf(3, [keyed({ kind: 'inline', bytes: text('b') })])),
    ).rejects.toMatchObject({
      code: 'CHECKPOINT_FAILED',
      message: expect.stringContaining('exists already') as unknown,
    });
  });

  test('are written where there are no hard links, too', async () => {
    const withoutLinks = new MemoryFileSystem({
      disk: job.fs.disk,
      tap: ({ name }) => {
        if (name === 'link') {
          throw Object.assign(new Error('no links'), { code: 'EPERM' });
        }
      },
    });
    const first = metadataOf(3, [keyed({ kind: 'inline', bytes: text('a') })]);
    await writeMetadata(withoutLinks, jobFolder, first);
    await writeMetadata(withoutLinks, jobFolder, first);
    await expect(
      writeMetadata(withoutLinks, jobFolder, metadataOf(3, [keyed({ kind: 'inline', bytes: text('b') })])),
    ).rejects.toMatchObject({ code: 'CHECKPOINT_FAILED' });
    expect((await readCheckpoint(jobFolder, { locate: job.locate })).metadata).toEqual(first);
  });
});

describe('reading a checkpoint', () => {
  test('by its metadata file, its folder, or the folder of its job', async () => {
    await job.complete(2);
    const newest = await job.complete(10);
    await job.target(11).writeState('exclusive', [text('of a checkpoint that was not completed')]);
    const places = [jobFolder, `${jobFolder}/chk-10`, `${jobFolder}/chk-10/`, `${jobFolder}/chk-10/_metadata`];
    for (const place of places) {
      const read = await readCheckpoint(place, { locate: job.locate });
      expect(read).toEqual({
        metadata: newest,
        baseFolder: `memory://${jobFolder}`,
        folder: `memory://${jobFolder}/chk-10`,
        metadataFile: `memory://${jobFolder}/chk-10/_metadata`,
      });
      await checkDataFiles(read, job.locate);
      expect(await newerCheckpoint(read, job.locate)).toBeUndefined();
    }
    const older = await readCheckpoint(`${jobFolder}/chk-2`, { locate: job.locate });
    expect(await newerCheckpoint(older, job.locate)).toEqual({
      checkpointId: 10,
      folder: `memory://${jobFolder}/chk-10`,
    });
    expect(await listCheckpoints(job.fs, jobFolder)).toEqual([
      { checkpointId: 2, complete: true },
      { checkpointId: 10, complete: true },
      { checkpointId: 11, complete: false },
    ]);
  });

  test('says what is wrong with the place', async () => {
    await job.complete(2);
    await job.target(3).writeState('exclusive', [text('of a checkpoint that was not completed')]);
    await job.fs.write('/plain', text('a text'));
    await job.fs.makeFolder('/empty');
    await job.fs.makeFolder('/half/chk-1');
    await job.fs.makeFolder('/savepoints/savepoint-012345-aa');
    const cases: readonly [string, string, string][] = [
      ['/none', 'FILE_NOT_FOUND', 'there is no checkpoint at /none'],
      ['/plain', 'CHECKPOINT_BROKEN', '/plain is not the metadata of a checkpoint'],
      [
        '/empty',
        'CHECKPOINT_BROKEN',
        '/empty is no checkpoint: there is neither a _metadata file nor a chk-<n> folder',
      ],
      ['/half', 'CHECKPOINT_BROKEN', 'no checkpoint in /half is complete: none of chk-1 has'],
      [`${jobFolder}/chk-3`, 'CHECKPOINT_BROKEN', 'is not complete: it has no _metadata file'],
      ['/savepoints/savepoint-012345-aa', 'CHECKPOINT_BROKEN', 'is not complete'],
      ['/savepoints', 'CHECKPOINT_BROKEN', 'several jobs or savepoints; name one of them: savepoint-012345-aa'],
      ['/checkpoints', 'CHECKPOINT_BROKEN', `name one of them: ${jobId}`],
    ];
    for (const [place, code, message] of cases) {
      await expect(readCheckpoint(place, { locate: job.locate })).rejects.toMatchObject({
        code,
        message: expect.stringContaining(message) as unknown,
      });
    }
    await expect(readCheckpoint('hdfs://x/y')).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  test('of another job, or another id, is a mismatch', async () => {
    await job.complete(2);
    await expect(readCheckpoint(jobFolder, { locate: job.locate, jobId: 'f'.repeat(32) })).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringContaining(`is a checkpoint of job ${jobId} ("test")`) as unknown,
    });
    await expect(readCheckpoint(jobFolder, { locate: job.locate, checkpointId: 3 })).rejects.toThrow(
      'is checkpoint 2, not 3',
    );
    await readCheckpoint(jobFolder, { locate: job.locate, jobId, checkpointId: 2 });
  });

  test('that must be there tells a deleted one from storage that is away', async () => {
    await job.complete(2);
    for (const place of [`${jobFolder}/chk-3/_metadata`, `${jobFolder}/chk-3`]) {
      await expect(readCheckpoint(place, { locate: job.locate, checkpointId: 3 })).rejects.toMatchObject({
        code: 'CHECKPOINT_BROKEN',
      });
    }
    const unmounted = `/mnt${jobFolder}/chk-2/_metadata`;
    await expect(readCheckpoint(unmounted, { locate: job.locate, checkpointId: 2 })).rejects.toMatchObject({
      code: 'FILESYSTEM',
      retryable: true,
    });
  });

  test('does not take an older one when the newest is broken', async () => {
    await job.complete(2);
    await job.complete(3);
    await job.fs.write(`${jobFolder}/chk-3/_metadata`, text('MILLRACE'));
    await expect(readCheckpoint(jobFolder, { locate: job.locate })).rejects.toMatchObject({
      code: 'CHECKPOINT_BROKEN',
      message: expect.stringContaining('chk-3/_metadata') as unknown,
    });
  });

  test('of which only a part was copied says so', async () => {
    const metadata = await job.complete(2);
    for (const path of filesOf(metadata).keys()) {
      await job.fs.delete(`${jobFolder}/${path}`);
    }
    const read = await readCheckpoint(jobFolder, { locate: job.locate });
    await expect(checkDataFiles(read, job.locate)).rejects.toThrow(
      /of its 2 data files .* is not there; .*was only a part/,
    );
    await job.fs.rename(`${jobFolder}/chk-2/_metadata`, '/copy/_metadata');
    await expect(readCheckpoint('/copy', { locate: job.locate })).rejects.toThrow(
      'whose folder must be called "chk-2"',
    );
  });

  test('passes on that the storage is away', async () => {
    await job.complete(2);
    const away = new MemoryFileSystem({
      disk: job.fs.disk,
      tap: () => {
        throw Object.assign(new Error('away'), { code: 'ESTALE' });
      },
    });
    await expect(readCheckpoint(jobFolder, { locate: (path) => ({ fs: away, path }) })).rejects.toMatchObject({
      code: 'FILESYSTEM',
      retryable: true,
    });
  });
});
