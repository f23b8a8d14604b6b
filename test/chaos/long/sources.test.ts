import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { committedLines, recountLines, starts } from '../recount.mjs';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const FILES = 1_000;
const KILLS = 5;
/** Of each source that finds something again and again, before each kill. */
const MORE = 20;
/** Two for each of the five pipelines. */
const TASKS = 10;
const NOTHING_WRONG = { repeated: 0, missing: 0, unexpected: 0 };

const exactly = (expected: readonly string[]) => ({
  expected: expected.length,
  committed: expected.length,
  ...NOTHING_WRONG,
});

test('the leader is killed five times while files are handed out: none is read twice or left out, no task is started anew', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: 3, taskManagers: 2, slots: 1 });
  cluster = current;
  const work = join(current.folder, 'work');
  const at = (name: string): string => join(work, name);
  ['', 'files', 'arriving', 'found'].forEach((folder) => mkdirSync(at(folder)));
  const files = Array.from({ length: FILES }, (_, index) => `file ${index}`);
  files.forEach((line, index) => writeFileSync(at(`files/${index}.txt`), `${line}\n`));
  const arriving: string[] = [];
  const found: string[] = [];
  const more = (): void => {
    for (let index = 0; index < MORE; index++) {
      const name = `${arriving.length}`;
      writeFileSync(at(`.${name}`), `arrived ${name}\n`);
      renameSync(at(`.${name}`), at(`arriving/${name}.txt`));
      arriving.push(`arrived ${name}`);
      writeFileSync(at(`found/s${name}`), '');
      found.push(...[0, 1, 2].map((line) => `s${name} ${line}`));
    }
  };
  more();
  const read = (name: string): readonly string[] =>
    existsSync(at(`${name}.read`))
      ? readFileSync(at(`${name}.read`), 'utf8')
          .split('\n')
          .slice(0, -1)
      : [];
  const committed = (name: string): number => committedLines(at(`${name}.out`)).length;

  const jobId = await current.submit('sources.ts', work);
  await current.until('a bounded source has finished beside those that have no end', async () => {
    const { vertices } = (await current.ask(`/jobs/${jobId}`)) as { vertices: { tasks: { FINISHED: number } }[] };
    return vertices.some(({ tasks }) => tasks.FINISHED > 0);
  });
  for (let kill = 0; kill < KILLS; kill++) {
    await current.until('files are read', () => read('files').length >= FILES / 2 + kill * MORE);
    await current.until('somebody leads', () => current.leader !== undefined);
    more();
    const leader = current.leader!;
    await current.kill(leader);
    current.startProcess('jobmanager', leader);
  }
  process.stdout.write(`${read('files').length} of ${FILES} files were read when the last leader was killed\n`);
  await current.until('all files are committed', () => committed('files') >= FILES);
  await current.until('what arrived is committed', () => committed('arriving') >= arriving.length);
  await current.until('what was found is committed', () => committed('found') >= found.length);
  const { code, stdout, stderr } = await current.run('stop', jobId, '-p', at('savepoints'));
  expect(`${code} ${stdout} ${stderr}`).toMatch(/^0 /);

  expect(recountLines(at('files.out'), files)).toEqual(exactly(files));
  expect(recountLines(at('arriving.out'), arriving)).toEqual(exactly(arriving));
  expect(recountLines(at('found.out'), found)).toEqual(exactly(found));
  const numbers = (count: number): string[] => Array.from({ length: count }, (_, value) => String(value));
  expect(recountLines(at('few.out'), numbers(100))).toEqual(exactly(numbers(100)));
  const endless = numbers(committed('endless'));
  expect(recountLines(at('endless.out'), endless)).toEqual(exactly(endless));
  // Not even what is not committed twice was read twice.
  for (const name of ['files', 'arriving', 'found', 'few', 'endless']) {
    const records = read(name);
    expect([name, new Set(records).size]).toEqual([name, records.length]);
  }
  expect(starts(work)).toBe(TASKS);
});
