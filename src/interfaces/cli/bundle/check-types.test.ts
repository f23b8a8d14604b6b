import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkTypes, parseDiagnostics } from './check-types.ts';

const typescript = fileURLToPath(new URL('../../../../node_modules/typescript', import.meta.url));

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-types-')));
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

/** A project with the compiler of this checkout and a small `millrace`. */
const project = (files: Readonly<Record<string, string>>): void => {
  write({
    'node_modules/millrace/package.json': '{ "name": "millrace", "types": "./index.d.ts" }',
    'node_modules/millrace/index.d.ts': 'export declare const job: (name: string) => object;',
    ...files,
  });
  symlinkSync(typescript, join(folder, 'node_modules/typescript'));
};

const check = (file = 'job.ts') => checkTypes(join(folder, file));

test('errors have file, line, column, code', async () => {
  project({
    'job.ts': `import { job } from 'millrace';\nimport { other } from './other.ts';\nexport default job(1 + other);\n`,
    'other.ts': 'export const other: number = "text";\n',
    'unrelated.ts': 'const wrong: number = "not part of the job";\n',
  });
  const { checked, errors, lines } = await check();
  expect(checked).toBe(true);
  expect(errors).toEqual([
    { file: join(folder, 'job.ts'), line: 3, column: 20, code: 'TS2345', message: expect.stringContaining('number') },
    { file: join(folder, 'other.ts'), line: 1, column: 14, code: 'TS2322', message: expect.stringContaining('string') },
  ]);
  expect(lines[0]).toMatch(/job\.ts:3:20: TS2345: Argument of type 'number'/);
});

test('a project without a tsconfig has the types of Node, if they are installed', async () => {
  project({
    'node_modules/@types/node/package.json': '{ "name": "@types/node", "types": "index.d.ts" }',
    'node_modules/@types/node/index.d.ts': 'declare const process: { readonly pid: number };',
    'job.ts': 'export default process.pid.toFixed();',
  });
  expect(await check()).toEqual({ checked: true, errors: [], lines: [] });
});

test('the options and declarations of the project count, what it emits does not', async () => {
  project({
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: false,
        module: 'esnext',
        moduleResolution: 'bundler',
        types: ['something'],
        composite: true,
        declaration: true,
        tsBuildInfoFile: './x.tsbuildinfo',
        outDir: 'dist',
        paths: { '@app/*': ['./app/*'] },
      },
      include: ['somewhere-else'],
      references: [],
    }),
    'node_modules/@types/something/index.d.ts': 'declare const something: string;',
    'wasm.d.ts': `declare module '*.wasm' { const bytes: Uint8Array; export default bytes; }`,
    'app/value.ts': 'export const value = null;',
    'job.ts': `
      import bytes from './x.wasm';
      import { value } from '@app/value';
      const loose: string = value;
      export default [bytes.length, loose, something];`,
  });
  expect(await check()).toEqual({ checked: true, errors: [], lines: [] });
  expect(existsSync(join(folder, 'dist'))).toBe(false);
  expect(existsSync(join(folder, 'x.tsbuildinfo'))).toBe(false);
  expect(readdirSync(join(folder, 'node_modules/.cache/millrace'))).toEqual([]);
});

test('without a compiler, or without the types of millrace, a hint', async () => {
  write({ 'job.ts': 'export default 1;' });
  expect(await check()).toMatchObject({ checked: false, errors: [], hint: expect.stringContaining('npm install') });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(typescript, join(folder, 'node_modules/typescript'));
  expect(await check()).toMatchObject({ checked: false, lines: [expect.stringContaining('the types of millrace')] });
});

test('JavaScript is not checked, nor spoken of', async () => {
  expect(await check('job.mjs')).toEqual({ checked: false, errors: [], lines: [] });
});

test('parseDiagnostics keeps what belongs to an error', () => {
  const output = 'a/job.ts(3,5): error TS2345: No.\n  Because.\n    Deep.\r\nerror TS5083: Cannot read file.\nnoise\n';
  expect(parseDiagnostics(output, '/p')).toEqual([
    { file: '/p/a/job.ts', line: 3, column: 5, code: 'TS2345', message: 'No.\n  Because.\n    Deep.' },
    { file: undefined, line: 0, column: 0, code: 'TS5083', message: 'Cannot read file.' },
  ]);
});

test('of a file that is not there nothing is said: whoever reads it says so', async () => {
  expect(await check('nowhere.ts')).toEqual({ checked: false, errors: [], lines: [] });
  project({});
  expect(await check('nowhere.ts')).toEqual({ checked: false, errors: [], lines: [] });
});
