import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeBundle } from '../interfaces/cli/bundle/bundle-file.ts';
import { bundleJob, type BundleOptions } from '../interfaces/cli/bundle/bundle-job.ts';
import { readInstallation } from '../interfaces/cli/bundle/installation.ts';

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-load-')));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const write = (files: Readonly<Record<string, string>>): void => {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
};

const loader = new URL('./module-loader.ts', import.meta.url).href;

/** Runs a program in a Node of its own: hooks and loaded modules are for the life of a process. */
const node = (program: string): unknown => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], {
    encoding: 'utf8',
    cwd: folder,
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
};

/** Bundles `job.ts`, loads it, and evaluates an expression over `job`; what is thrown comes as `code` and `message`. */
const load = async (expression: string, options?: BundleOptions): Promise<unknown> => {
  const path = await writeBundle(await bundleJob(join(folder, 'job.ts'), options), join(folder, 'bundles'));
  return node(`
    import { loadJob } from ${JSON.stringify(loader)};
    const result = await loadJob(${JSON.stringify(path)}).then(
      async (job) => ${expression},
      ({ code, message }) => ({ code, message }),
    );
    console.log(JSON.stringify(result));`);
};

describe('a bundle gets the running installation', () => {
  const index = new URL('../pipeline/api/index.ts', import.meta.url).href;

  test('by import and by require, under all its names', async () => {
    write({
      'job.ts': `
        import { job } from 'millrace';
        import { required } from './c.cjs';
        import * as generator from 'millrace/connectors/generator';
        globalThis.seen = [job, required, typeof generator.sequence];
        export default job('mine', () => {});`,
      'c.cjs': 'exports.required = require("millrace").job;',
      'node_modules/millrace/package.json': '{ "name": "millrace", "exports": "./wrong.js" }',
      'node_modules/millrace/wrong.js': 'throw new Error("the wrong installation")',
    });
    expect(
      await load(`[job.kind, job.name, ...await import(${JSON.stringify(index)}).then((api) => [
        seen[0] === api.job, seen[1] === api.job, seen[2]])]`),
    ).toEqual(['millrace-job', 'mine', true, true, 'function']);
  });

  test('in a worker thread', async () => {
    write({ 'job.ts': `import { job } from 'millrace'; export default job('in-worker', () => {});` });
    const path = await writeBundle(await bundleJob(join(folder, 'job.ts')), folder);
    write({
      'worker.mjs': `
        import { parentPort } from 'node:worker_threads';
        import { loadJob } from ${JSON.stringify(loader)};
        parentPort.postMessage((await loadJob(${JSON.stringify(path)})).name);`,
    });
    expect(
      node(`
        import { Worker } from 'node:worker_threads';
        const worker = new Worker('./worker.mjs', { execArgv: [] });
        worker.on('message', (name) => console.log(JSON.stringify(name)));`),
    ).toBe('in-worker');
  });

  test('compiled or from source, as it runs itself', () => {
    write({
      'package.json': JSON.stringify({
        exports: {
          '.': { types: './dist/a/index.d.ts', default: './dist/a/index.js' },
          './package.json': './package.json',
        },
      }),
    });
    const base = new URL(`file://${folder}/`);
    expect(readInstallation(base, false).resolve('millrace')).toBe(`file://${folder}/dist/a/index.js`);
    expect(readInstallation(base, true).resolve('millrace')).toBe(`file://${folder}/src/a/index.ts`);
    expect(readInstallation(base, true).resolve('millrace/none')).toBeUndefined();
    expect(readInstallation(base, true).specifiers).toEqual(['millrace']);
  });
});

describe('packages that were left out', () => {
  const job = `
    import { job } from 'millrace';
    import { name } from 'outside';
    import { again } from './c.cjs';
    export default job(name + again, () => {});`;
  const outside = {
    'project/node_modules/outside/package.json': '{ "name": "outside", "type": "module", "main": "main.js" }',
    'project/node_modules/outside/main.js': 'export const name = "outside";',
  };

  test("are found from the folder of the job's file", async () => {
    write({ 'project/job.ts': job, 'project/c.cjs': 'exports.again = require("outside").name;', ...outside });
    write({ 'job.ts': `export { default } from './project/job.ts';` });
    const bundle = await bundleJob(join(folder, 'project/job.ts'), { external: ['outside'] });
    const path = await writeBundle(bundle, join(folder, 'bundles'));
    expect(
      node(`
        import { loadJob } from ${JSON.stringify(loader)};
        console.log(JSON.stringify((await loadJob(${JSON.stringify(path)})).name));`),
    ).toBe('outsideoutside');
  });

  test('are found from a given folder first', async () => {
    write({ 'job.ts': job, 'c.cjs': 'exports.again = "!";', ...outside });
    write({
      'node_modules/outside/package.json': '{ "name": "outside", "type": "module", "main": "main.js" }',
      'node_modules/outside/main.js': 'export const name = "another";',
    });
    const path = await writeBundle(await bundleJob(join(folder, 'job.ts'), { external: ['outside'] }), folder);
    expect(
      node(`
        import { installModuleHooks, loadJob } from ${JSON.stringify(loader)};
        installModuleHooks({ externalsFrom: ${JSON.stringify(join(folder, 'project'))} });
        console.log(JSON.stringify((await loadJob(${JSON.stringify(path)})).name));`),
    ).toBe('outside!');
  });

  test('and are not on this machine: said with the way out', async () => {
    write({ 'job.ts': job, 'c.cjs': '' });
    expect(await load('job.name', { external: ['outside'] })).toEqual({
      code: 'BAD_JOB',
      message: expect.stringMatching(
        /^the package outside, which the job leaves out with --external, is not on this machine/,
      ),
    });
  });
});

describe('what is wrong with a job file is said', () => {
  const cases: readonly [string, string, RegExp][] = [
    ['nothing exported', 'console.error;', /no default export \(it exports nothing\); expected\n {4}import \{ job \}/],
    ['named exports only', 'export const a = 1, b = 2;', /no default export \(it exports only a, b\)/],
    ['a function', 'export default function build() {}', /default export of the job file is a function \(build\)/],
    ['a class', 'export default class Mine {}', /is the class Mine/],
    ['a plain object', 'export default { name: "x" };', /is a plain object/],
    ['a promise', 'export default Promise.resolve(1);', /is a promise/],
    ['an instance', 'export default new Map();', /is an object of class Map/],
    ['undefined', 'export default undefined;', /is undefined/],
    ['a text', 'export default "x";', /is a string/],
  ];

  test.each(cases)('%s', async (_name, text, message) => {
    write({ 'job.ts': text });
    expect(await load('job')).toEqual({ code: 'BAD_JOB', message: expect.stringMatching(message) });
  });

  test('a throw, with the line of the TypeScript file', async () => {
    write({
      'job.ts': `interface Nothing {\n  a: 1;\n}\nimport { fail } from './fail.ts';\nfail();\nexport default 1;`,
      'fail.ts': `interface More {\n  a: 1;\n}\nexport const fail = (): never => {\n  throw new RangeError('boom');\n};`,
    });
    expect(await load('job')).toEqual({
      code: 'BAD_JOB',
      message: 'the job file threw while it was loaded: RangeError: boom\n    at fail (fail.ts:5:9)',
    });
  });

  test('an import that millrace does not have', async () => {
    write({ 'job.ts': `import { jbo } from 'millrace'; export default jbo('x', () => {});` });
    expect(await load('job')).toEqual({
      code: 'BAD_JOB',
      message: `the job imports jbo from 'millrace', which does not export it; did you mean job?`,
    });
  });

  test('a file that is not there', () => {
    expect(
      node(`
        import { loadJob } from ${JSON.stringify(loader)};
        await loadJob('/no/such/file.mjs').catch(({ code }) => console.log(JSON.stringify(code)));`),
    ).toBe('FILE_NOT_FOUND');
  });
});
