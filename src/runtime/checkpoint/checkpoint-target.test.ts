import { beforeEach, describe, expect, test } from 'vitest';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import type { StateHandle } from '../state/state-handle.ts';
import { newSavepointFolder } from './checkpoint-layout.ts';
import { deleteSavepoint } from './delete-savepoint.ts';
import { readCheckpoint } from './read-checkpoint.ts';
import { createStateReader } from './state-reader.ts';
import { jobFolder, jobId, keyed, metadataOf, StoredJob, text } from './test-support/stored-job.ts';
import { writeMetadata } from './write-metadata.ts';

let job: StoredJob;
beforeEach(() => {
  job = new StoredJob();
});

describe('the target', () => {
  test('puts small pieces inline, others in files named after the checkpoint', async () => {
    const target = job.target(7);
    const content = text('9 bytes..');
    const small = await target.writeState('shared', [content]);
    content.fill(0);
    expect(small).toEqual({ kind: 'inline', bytes: text('9 bytes..') });
    const exclusive = await target.writeState('exclusive', [text('ten '), text('bytes.')]);
    const shared = await target.writeState('shared', [text('ten bytes.')]);
    expect(exclusive).toMatchObject({
      kind: 'file',
      sizeBytes: 10,
      path: expect.stringMatching(/^chk-7\/count_0-7-[0-9a-f]{16}$/),
    });
    expect(shared).toMatchObject({
      kind: 'file',
      sizeBytes: 10,
      path: expect.stringMatching(/^shared\/count_0-7-[0-9a-f]{16}$/),
    });
    expect(target.writtenBytes).toBe(20);
    const reader = createStateReader(job.fs, jobFolder);
    for (const handle of [exclusive, shared]) {
      expect(new TextDecoder().decode(await reader.read(handle))).toBe('ten bytes.');
    }
    expect(await reader.read(small)).toEqual(text('9 bytes..'));
  });

  test('puts all files of a savepoint beside its metadata', async () => {
    const folder = newSavepointFolder('/savepoints', jobId, job.random);
    expect(folder).toMatch(/^\/savepoints\/savepoint-012345-[0-9a-f]{12}$/);
    const target = job.target(7, 'savepoint', folder);
    const handles = [
      await target.writeState('exclusive', [text('ten bytes.')]),
      await target.writeState('shared', [text('ten bytes!')]),
    ];
    for (const handle of handles) {
      expect(handle).toMatchObject({ path: expect.stringMatching(/^count_0-7-[0-9a-f]{16}$/) });
    }
    await writeMetadata(
      job.fs,
      folder,
      metadataOf(
        7,
        handles.map((handle) => keyed(handle)),
        'savepoint',
      ),
    );
    expect(await job.files(folder)).toHaveLength(3);
    const read = await readCheckpoint(folder, { locate: job.locate });
    expect(read.baseFolder).toBe(`memory://${folder}`);
    await deleteSavepoint(job.fs, folder, read.metadata);
    expect(await job.fs.stat(folder)).toBeUndefined();
  });

  test('deletes what it wrote when the checkpoint is aborted, what is under way too', async () => {
    const target = job.target(7);
    await target.writeState('shared', [text('written before')]);
    const underWay = target.writeState('exclusive', [text('being written')]);
    const [outcome] = await Promise.allSettled([underWay, target.discard()]);
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CHECKPOINT_FAILED' } });
    await expect(target.writeState('shared', [text('too late to write')])).rejects.toThrow('checkpoint 7 was aborted');
    expect(await job.files(jobFolder)).toEqual([]);
  });
});

describe('the state reader', () => {
  const fileHandle = async (): Promise<Extract<StateHandle, { kind: 'file' }>> => {
    const handle = await job.target(7).writeState('shared', [text('some state to read')]);
    if (handle.kind !== 'file') {
      throw new Error('a file was expected');
    }
    return handle;
  };
  const broken = (message: string): object => ({
    code: 'CHECKPOINT_BROKEN',
    message: expect.stringContaining(message) as unknown,
  });

  test('tells a damaged file by its size and its checksum', async () => {
    const handle = await fileHandle();
    const path = `${jobFolder}/${handle.path}`;
    await job.fs.write(path, text('some state to reap'));
    await expect(createStateReader(job.fs, jobFolder).read(handle)).rejects.toMatchObject(
      broken(`${path} cannot be used: its checksum`),
    );
    await job.fs.write(path, text('some state'));
    await expect(createStateReader(job.fs, jobFolder).read(handle)).rejects.toMatchObject(
      broken('it has 10 bytes, 18 were written'),
    );
    await job.fs.delete(path);
    await expect(createStateReader(job.fs, jobFolder).read(handle)).rejects.toMatchObject(
      broken(`${path} cannot be used: it is not there`),
    );
  });

  test('calls storage that is away a thing to retry', async () => {
    const handle = await fileHandle();
    const nothingMounted = createStateReader(new MemoryFileSystem(), jobFolder);
    await expect(nothingMounted.read(handle)).rejects.toMatchObject({ code: 'FILESYSTEM', retryable: true });
    for (const code of ['EACCES', 'EIO', 'ESTALE', 'ETIMEDOUT']) {
      const failing = new MemoryFileSystem({
        disk: job.fs.disk,
        tap: ({ name }) => {
          if (name === 'open') {
            throw Object.assign(new Error(code), { code });
          }
        },
      });
      await expect(createStateReader(failing, jobFolder).read(handle)).rejects.toMatchObject({
        code: 'FILESYSTEM',
        retryable: true,
      });
    }
  });

  test('never leaves its folder', async () => {
    const handle = { kind: 'file', path: '../x', sizeBytes: 1, checksum: 1 } as const;
    await expect(createStateReader(job.fs, jobFolder).read(handle)).rejects.toMatchObject(
      broken('leads out of the folder'),
    );
  });
});
