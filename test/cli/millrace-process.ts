import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

// That file needs no test runner.
export { MILLRACE, MillraceProcess, millrace, type MillraceOptions, type MillraceResult } from './millrace-command.ts';

const folders: string[] = [];

afterAll(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

/** A folder with these files; it goes with the test file. */
export const folderWith = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
  folders.push(folder);
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
  return folder;
};

/** The imports that each job below begins with. */
const IMPORTS = `import { job } from 'millrace';
import { sequence } from 'millrace/connectors/generator';
`;

/** A job's file around the body of its builder, which begins in line 4. */
export const jobFile = (body: string, name = 'the-job'): string =>
  `${IMPORTS}export default job('${name}', (env, args) => {\n${body}\n});\n`;

/** Numbers 0, 1, ... summed by three keys, with a checkpoint kept each 50 ms; the first argument is the last number. */
export const SUMS = jobFile(`
  env.enableCheckpointing({ interval: '50ms', retention: 'RETAIN_ON_CANCELLATION' });
  env.from(sequence({ from: 0, to: Number(args[0] ?? 1e9), every: '2ms' })).uid('numbers')
    .keyBy((x) => String(x % 3)).sum().uid('sums').print();`);
