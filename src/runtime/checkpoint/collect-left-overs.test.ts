import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import { collectLeftOvers } from './collect-left-overs.ts';
import { newSavepointFolder } from './checkpoint-layout.ts';
import { deleteSavepoint } from './delete-savepoint.ts';
import { checkDataFiles, readCheckpoint } from './read-checkpoint.ts';
import { jobFolder, jobId, keyed, metadataOf, StoredJob, text } from './test-support/stored-job.ts';
import { writeMetadata } from './write-metadata.ts';

const HEX = '0123456789abcdef';
const TEMPORARY = '0123456789ab.tmp';

let job: StoredJob;
let warnings: string[];
let logger: Logger;
beforeEach(() => {
  job = new StoredJob();
  warnings = [];
  logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
});

/** As a kill leaves it, between the writing of a file and its name. */
const write = (path: string): Promise<void> => job.fs.write(`${jobFolder}/${path}`, text('half of'));

describe('what a killed process left in the folder of a job', () => {
  test('goes at the next start, but nothing of a complete checkpoint and nothing of others', async () => {
    await job.complete(4);
    await job.complete(6);
    const whole = await job.files(jobFolder);
    await write(`chk-3/count-3-${HEX}`);
    await write(`chk-3/.count-3-${HEX}.${TEMPORARY}`);
    await write(`chk-5/._metadata.${TEMPORARY}`);
    await write(`shared/.count-5-${HEX}.${TEMPORARY}`);
    const stays = [
      // Of checkpoints that may be on their way, and of the newest.
      `chk-6/._metadata.${TEMPORARY}`,
      `chk-7/._metadata.${TEMPORARY}`,
      `chk-7/count-7-${HEX}`,
      `shared/count-7-${HEX}`,
      'shared/notes',
      'chk-2/.notes.txt.tmp',
    ];
    for (const path of stays) {
      await write(path);
    }
    await collectLeftOvers(`memory://${jobFolder}`, logger, job.locate);
    expect(await job.files(jobFolder)).toEqual([...whole, ...stays].sort());
    for (const id of [4, 6]) {
      await checkDataFiles(await readCheckpoint(`${jobFolder}/chk-${id}`, { locate: job.locate }), job.locate);
    }
    // The next one is complete: now the others are older.
    await job.complete(8);
    await collectLeftOvers(`memory://${jobFolder}`, logger, job.locate);
    const left = await job.files(jobFolder);
    expect(left.filter((path) => /chk-7|-7-/.test(path))).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test('goes where it was complete, and its leader died before the pointer: nothing will ever lead to it', async () => {
    await job.complete(3);
    await job.complete(4);
    const kept = await job.files(jobFolder);
    await job.complete(6);
    // It cannot be read, and nobody needs to.
    await write('chk-7/_metadata');
    const beforeLast = await job.files(jobFolder);
    await job.complete(8);
    const last = (await job.files(jobFolder)).filter((path) => !beforeLast.includes(path));
    await collectLeftOvers(`memory://${jobFolder}`, logger, job.locate, { above: 4, upTo: 7 });
    expect(await job.files(jobFolder)).toEqual([...kept, ...last].sort());
    expect(warnings).toEqual([]);
  });

  test('stays where nothing is complete, or where a checkpoint that is cannot be read', async () => {
    await write(`chk-3/count-3-${HEX}`);
    await collectLeftOvers(jobFolder, logger, job.locate);
    expect(await job.files(jobFolder)).toEqual([`chk-3/count-3-${HEX}`]);
    expect(warnings).toEqual([]);
    await job.complete(4);
    await write('chk-5/_metadata');
    const before = await job.files(jobFolder);
    await collectLeftOvers(jobFolder, logger, job.locate);
    expect(await job.files(jobFolder)).toEqual(before);
    expect(warnings).toEqual([expect.stringContaining('chk-5/_metadata')]);
  });

  test('is never taken for a complete checkpoint or savepoint', async () => {
    const savepoint = newSavepointFolder('/savepoints', jobId, job.random);
    await job.fs.write(`${savepoint}/._metadata.${TEMPORARY}`, text('half of'));
    await job.fs.write(`${savepoint}/count-7-${HEX}`, text('half of'));
    await expect(readCheckpoint(savepoint, { locate: job.locate })).rejects.toThrow('is not complete');
    await write(`chk-7/._metadata.${TEMPORARY}`);
    await expect(readCheckpoint(jobFolder, { locate: job.locate })).rejects.toThrow('no checkpoint in');
    await job.complete(6);
    const { metadata } = await readCheckpoint(jobFolder, { locate: job.locate });
    expect(metadata.checkpointId).toBe(6);
  });

  test('goes with the savepoint in whose folder it is', async () => {
    const folder = newSavepointFolder('/savepoints', jobId, job.random);
    const handle = await job.target(7, 'savepoint', folder).writeState('shared', [text('ten bytes.')]);
    const metadata = metadataOf(7, [keyed(handle)], 'savepoint');
    await writeMetadata(job.fs, folder, metadata);
    // The name of the metadata was linked, and then the process died.
    await job.fs.write(`${folder}/._metadata.${TEMPORARY}`, text('all of'));
    await job.fs.write(`${folder}/.count-7-${HEX}.${TEMPORARY}`, text('half of'));
    await deleteSavepoint(job.fs, folder, metadata);
    expect(await job.fs.stat(folder)).toBeUndefined();
  });
});
