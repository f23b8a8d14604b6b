import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { writeBundle } from './bundle-file.ts';
import { bundleJob, type BundleOptions } from './bundle-job.ts';

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-bundle-')));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const WASM = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

const write = (files: Readonly<Record<string, string | Buffer>>): void => {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
};

const bundle = (options?: BundleOptions) => bundleJob(join(folder, 'job.ts'), options);

/** What the bundle's default export is, imported by a fresh Node from another folder. */
const run = async (options?: BundleOptions): Promise<unknown> => {
  const path = await writeBundle(await bundle(options), join(folder, 'elsewhere/bundles'));
  rmSync(join(folder, 'project'), { recursive: true, force: true });
  const program = `import(${JSON.stringify(path)}).then((m) => console.log(JSON.stringify(m.default)))`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    cwd: tmpdir(),
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
};

const failure = async (options?: BundleOptions): Promise<MillraceError> => {
  const thrown: unknown = await bundle(options).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(MillraceError);
  return thrown as MillraceError;
};

describe('what travels in a bundle', () => {
  test('TypeScript, ESM and CommonJS packages, JSON, top-level await', async () => {
    write({
      'job.ts': `
        import { esm } from 'esm-pkg';
        import cjs, { named } from 'cjs-pkg';
        import data from './data.json';
        import { helper } from './lib/helper.ts';
        import type { Nothing } from './types-only.ts';
        const later = await Promise.resolve('later');
        const typed: string & Partial<Nothing> = helper;
        export default [esm, cjs.named, named, data.answer, typed, later];`,
      'types-only.ts': 'export interface Nothing { a: 1 }',
      'lib/helper.ts': 'enum Kind { Help = "help" } export const helper: string = Kind.Help;',
      'data.json': '{ "answer": 42 }',
      'node_modules/esm-pkg/package.json': '{ "name": "esm-pkg", "type": "module", "exports": "./main.js" }',
      'node_modules/esm-pkg/main.js': 'export const esm = "esm";',
      'node_modules/cjs-pkg/package.json': '{ "name": "cjs-pkg", "main": "main.js" }',
      'node_modules/cjs-pkg/main.js':
        'const path = require("path"); const os = require("node:os"); exports.named = path.join("c", typeof os.cpus);',
    });
    expect(await run()).toEqual(['esm', 'c/function', 'c/function', 42, 'help', 'later']);
  });

  test('tsconfig paths, of the nearest tsconfig or the one that is named', async () => {
    write({
      'job.ts': `import { where } from '@app/where'; export default where;`,
      'tsconfig.json': '{ "compilerOptions": { "paths": { "@app/*": ["./one/*"] } } } // comment',
      'other/tsconfig.json': '{ "compilerOptions": { "paths": { "@app/*": ["../two/*"] } } }',
      'one/where.ts': 'export const where = 1;',
      'two/where.ts': 'export const where = 2;',
    });
    expect(await run()).toBe(1);
    const tsconfig = join(folder, 'other/tsconfig.json');
    expect(await run({ tsconfig })).toBe(2);
    expect((await bundle({ tsconfig })).inputs).toContain(tsconfig);
  });

  test('wasm, imported as bytes', async () => {
    write({
      'job.ts': `
        import bytes from './x.wasm';
        const module = new WebAssembly.Module(bytes);
        export default [bytes instanceof Uint8Array, bytes.length, WebAssembly.Module.exports(module).length];`,
      'x.wasm': WASM,
    });
    expect(await run()).toEqual([true, 8, 0]);
  });

  test('files that a module names beside itself', async () => {
    write({
      'job.ts': `
        import { readFileSync } from 'node:fs';
        import { dirname, join } from 'node:path';
        import { fileURLToPath } from 'node:url';
        import { size } from './project/below.ts';
        import wasmSize from 'wasm-pkg';
        const __dirname = dirname(fileURLToPath(import.meta.url));
        export default [
          readFileSync(new URL('./project/words.txt', import.meta.url), 'utf8'),
          readFileSync(join(__dirname, 'project/words.txt'), 'utf8'),
          size,
          wasmSize,
        ];`,
      'project/words.txt': 'some words',
      'project/below.ts': `
        import { readFileSync } from 'node:fs';
        export const size = readFileSync(new URL('../project/words.txt', import.meta.url)).length;`,
      'node_modules/wasm-pkg/package.json': '{ "name": "wasm-pkg", "main": "./lib/main.js" }',
      'node_modules/wasm-pkg/lib/main.js':
        "const bytes = require('fs').readFileSync(require('path').join(__dirname, 'x_bg.wasm'));\n" +
        'const again = require("fs").readFileSync(`${__dirname}/x_bg.wasm`);\n' +
        'module.exports = bytes.length + again.length;',
      'node_modules/wasm-pkg/lib/x_bg.wasm': WASM,
    });
    expect(await run()).toEqual(['some words', 'some words', 10, 16]);
  });

  test('the place of a module that names no files is where it was', async () => {
    write({
      'job.ts': `#!/usr/bin/env millrace
        import { place } from './sub/place.cjs';
        export default [import.meta.url, import.meta.dirname, place];`,
      'sub/place.cjs': 'exports.place = [__dirname, __filename];',
    });
    expect(await run()).toEqual([
      `file://${folder}/job.ts`,
      folder,
      [join(folder, 'sub'), join(folder, 'sub/place.cjs')],
    ]);
  });

  test("a require of its own does not meet the bundle's", async () => {
    write({
      'job.ts': `
        import { createRequire } from 'node:module';
        import cjs from './c.cjs';
        const require = createRequire(import.meta.url);
        export default [typeof require('node:fs').readFileSync, cjs.type];`,
      'c.cjs': 'exports.type = typeof require("node:fs").writeFileSync;',
    });
    expect(await run()).toEqual(['function', 'function']);
  });

  test('inputs are the files of the project', async () => {
    write({
      'job.ts': `import './a.ts'; import 'pkg'; import { readFileSync } from 'node:fs';
        export default readFileSync(new URL('./words.txt', import.meta.url));`,
      'a.ts': 'export {};',
      'words.txt': 'x',
      'node_modules/pkg/package.json': '{ "name": "pkg" }',
      'node_modules/pkg/index.js': '',
    });
    const { inputs, file } = await bundle();
    expect(file).toBe(join(folder, 'job.ts'));
    expect(new Set(inputs)).toEqual(new Set(['job.ts', 'a.ts', 'words.txt'].map((name) => join(folder, name))));
  });

  test('the same files make the same bundle', async () => {
    write({ 'job.ts': 'export default 1;' });
    const [one, two] = [await bundle(), await bundle()];
    expect(one.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(two).toEqual(one);
    write({ 'job.ts': 'export default 2;' });
    expect((await bundle()).hash).not.toBe(one.hash);
  });

  test('the source map names files by URL, with the text of the project and not of packages', async () => {
    const text = `import 'pkg';\nconsole.log(import.meta.url);\nexport default 1;\n`;
    write({
      'job.ts': text,
      'node_modules/pkg/package.json': '{ "name": "pkg" }',
      'node_modules/pkg/index.js': 'console.log(1);',
    });
    const { code } = await bundle();
    const encoded = /sourceMappingURL=data:application\/json;base64,(.+)\n$/.exec(code)?.[1] ?? '';
    const map = JSON.parse(Buffer.from(encoded, 'base64').toString()) as Record<string, unknown>;
    expect(map).toMatchObject({
      sources: [`file://${folder}/node_modules/pkg/index.js`, `file://${folder}/job.ts`],
      sourcesContent: [null, text],
      ignoreList: [0],
    });
  });
});

describe('what stays outside', () => {
  test('millrace, imported or required', async () => {
    write({
      'job.ts': `import { job } from 'millrace'; import './c.cjs'; import 'millrace/connectors/file'; export default job;`,
      'c.cjs': 'exports.m = require("millrace");',
    });
    const { code } = await bundle();
    expect(code).toContain(`import { job } from "millrace"`);
    expect(code).toContain(`__require("millrace")`);
    expect(code).toContain(`import "millrace/connectors/file"`);
  });

  test('a module that millrace does not have', async () => {
    write({ 'job.ts': `import 'millrace/connectors/flie';` });
    expect((await failure()).message).toContain(
      'job.ts:1:8: there is no module "millrace/connectors/flie"; did you mean millrace/connectors/file?',
    );
  });

  test('--external, and a warning for one that is not imported', async () => {
    write({ 'job.ts': `import x from 'not-here/sub'; export default x;` });
    const { code, externals, warnings } = await bundle({ external: ['not-here', 'nor-this'] });
    expect(code).toContain(`from "not-here/sub"`);
    expect(externals).toEqual(['not-here', 'nor-this']);
    expect(warnings).toEqual(['--external nor-this: the job does not import it']);
  });
});

describe('native addons', () => {
  const native = {
    'node_modules/addon/package.json': '{ "name": "addon", "main": "index.js" }',
    'node_modules/addon/binding.gyp': '{}',
    'node_modules/addon/index.js': 'module.exports = require("./build/Release/addon.node");',
    'node_modules/addon/build/Release/addon.node': Buffer.from([0x7f]),
  };

  test('of a package: refused with the way out', async () => {
    write({ 'job.ts': `import addon from 'addon'; export default addon;`, ...native });
    const error = await failure();
    expect(error.code).toBe('BUNDLE_FAILED');
    expect(error.message).toMatch(
      /job\.ts:1:19: the package "addon" has a native addon.*--external addon.*on every TaskManager/,
    );
    expect((await bundle({ external: ['addon'] })).code).toContain('from "addon"');
  });

  test('found by what loads it, and through another package', async () => {
    write({
      'job.ts': `import 'wrapper';`,
      'node_modules/wrapper/package.json': '{ "name": "wrapper" }',
      'node_modules/wrapper/index.js': 'require("@scope/deep");',
      'node_modules/@scope/deep/package.json': '{ "name": "@scope/deep", "dependencies": { "node-gyp-build": "1" } }',
      'node_modules/@scope/deep/index.js': 'require("node-gyp-build")(__dirname);',
    });
    expect((await failure()).message).toMatch(
      /wrapper[\\/]index\.js:1:9: the package "@scope\/deep" has a native addon/,
    );
  });

  test('a .node file without other signs', async () => {
    write({
      'job.ts': `import 'plain';`,
      'node_modules/plain/package.json': '{ "name": "plain" }',
      'node_modules/plain/index.js': 'require("./addon.node");',
      'node_modules/plain/addon.node': Buffer.from([0x7f]),
    });
    expect((await failure()).message).toContain('the package "plain" has a native addon');
    write({ 'job.ts': `import { createRequire } from 'node:module'; import './mine.node';`, 'mine.node': '' });
    expect((await failure()).message).toContain('"./mine.node" is a native addon');
  });

  test("that is optional is left to its importer's fallback", async () => {
    write({
      'job.ts': `import { fast } from 'fast-if-possible'; export default fast;`,
      'node_modules/fast-if-possible/package.json':
        '{ "name": "fast-if-possible", "optionalDependencies": { "addon": "1" } }',
      'node_modules/fast-if-possible/index.js':
        'try { exports.fast = require("addon"); } catch (error) { exports.fast = error.code; }',
      ...native,
    });
    expect(await run()).toBe('MODULE_NOT_FOUND');
  });
});

describe('errors', () => {
  test('a file that is not there, or is none', async () => {
    expect(await failure()).toMatchObject({ code: 'FILE_NOT_FOUND' });
    mkdirSync(join(folder, 'job.ts'));
    expect((await failure()).message).toContain('job.ts is not a file');
  });

  test('a tsconfig that is not there', async () => {
    write({ 'job.ts': '' });
    expect(await failure({ tsconfig: join(folder, 'none.json') })).toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  test('a syntax error, with the line', async () => {
    write({ 'job.ts': 'const a = 1;\nconst b = ;\n' });
    const { code, message } = await failure();
    expect(code).toBe('BUNDLE_FAILED');
    expect(message).toMatch(/job\.ts:2:11: Unexpected ";"\n {4}2 \| const b = ;\n {6}\| {11}\^$/);
  });

  test('several errors at once: missing files, packages, exports', async () => {
    write({
      'job.ts': `import './missing';\nimport '@acme/none/sub';`,
    });
    const { message } = await failure();
    expect(message).toContain('job.ts:1:8: there is no file "./missing"');
    expect(message).toContain(
      'there is no package "@acme/none/sub"; install it in the job\'s project (npm install @acme/none)',
    );
    expect(message).toContain(`${folder}/job.ts:2:8: `);
  });

  test('an import that its file does not export', async () => {
    write({ 'job.ts': `import { nope } from './there.ts';\nnope();`, 'there.ts': 'export const yes = 1;' });
    expect((await failure()).message).toMatch(/job\.ts:1:10: No matching export in ".*there\.ts" for import "nope"/);
  });
});
