import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import type { ErrorCode } from '../common/errors.ts';
import { MillraceError } from '../common/errors.ts';
import type { FileSystem } from './file-system.ts';

/** One thing that every file system does the same way; `folder` is an empty place of the case's own, not made yet. */
export interface FileSystemCase {
  readonly name: string;
  run(fs: FileSystem, folder: string): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = async (fs: FileSystem, path: string): Promise<string> => new TextDecoder().decode(await fs.read(path));
const namesIn = async (fs: FileSystem, path: string): Promise<string[]> =>
  (await fs.list(path)).map((entry) => entry.name);

/** Awaits an error with a code, whose message names the path. */
const refused = (promise: Promise<unknown>, code: ErrorCode, path: string): Promise<void> =>
  rejects(promise, (error: unknown) => {
    ok(error instanceof MillraceError, `${String(error)} is no MillraceError`);
    strictEqual(error.code, code, error.message);
    ok(error.message.includes(path), `"${error.message}" does not name ${path}`);
    return true;
  });

const whole: readonly FileSystemCase[] = [
  {
    name: 'writes a file in folders that are not there and reads it back',
    run: async (fs, folder) => {
      await fs.write(`${folder}/a/b/c`, bytes('hello'));
      strictEqual(await textOf(fs, `${folder}/a/b/c`), 'hello');
      deepStrictEqual(await namesIn(fs, `${folder}/a/b`), ['c']);
    },
  },
  {
    name: 'writes a file out of several parts, and an empty one',
    run: async (fs, folder) => {
      await fs.write(`${folder}/parts`, [bytes('one '), bytes(''), bytes('two')]);
      await fs.write(`${folder}/empty`, []);
      strictEqual(await textOf(fs, `${folder}/parts`), 'one two');
      strictEqual((await fs.stat(`${folder}/empty`))?.sizeBytes, 0);
    },
  },
  {
    name: 'replaces a file as a whole',
    run: async (fs, folder) => {
      await fs.write(`${folder}/f`, bytes('a longer first content'));
      await fs.write(`${folder}/f`, bytes('second'));
      strictEqual(await textOf(fs, `${folder}/f`), 'second');
      deepStrictEqual(await namesIn(fs, folder), ['f']);
    },
  },
  {
    name: 'keeps no hold of the bytes that were given or handed out',
    run: async (fs, folder) => {
      const content = bytes('abc');
      await fs.write(`${folder}/f`, content);
      content[0] = 0;
      const read = await fs.read(`${folder}/f`);
      read[1] = 0;
      strictEqual(await textOf(fs, `${folder}/f`), 'abc');
    },
  },
  {
    name: 'creates a file only if it is absent, decided once among many',
    run: async (fs, folder) => {
      const path = `${folder}/x/one`;
      const writers = Array.from({ length: 8 }, (_, i) => fs.write(path, bytes(`writer ${i}`), { ifAbsent: true }));
      const results = await Promise.allSettled(writers);
      const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []));
      strictEqual(winners.length, 1);
      strictEqual(await textOf(fs, path), `writer ${winners[0]}`);
      await refused(fs.write(path, bytes('late'), { ifAbsent: true }), 'FILE_EXISTS', path);
      deepStrictEqual(await namesIn(fs, `${folder}/x`), ['one']);
    },
  },
  {
    name: 'reads ranges, short at the end of the file',
    run: async (fs, folder) => {
      await fs.write(`${folder}/f`, bytes('0123456789'));
      const range = async (offset: number, length: number): Promise<string> =>
        new TextDecoder().decode(await fs.readRange(`${folder}/f`, offset, length));
      strictEqual(await range(2, 3), '234');
      strictEqual(await range(8, 100), '89');
      strictEqual(await range(10, 1), '');
      strictEqual(await range(50, 1), '');
      strictEqual(await range(0, 0), '');
      await refused(fs.readRange(`${folder}/none`, 0, 1), 'FILE_NOT_FOUND', `${folder}/none`);
    },
  },
  {
    name: 'says which file is not there, is a folder, or lies below a file',
    run: async (fs, folder) => {
      await refused(fs.read(`${folder}/none`), 'FILE_NOT_FOUND', `${folder}/none`);
      await fs.write(`${folder}/d/f`, bytes('x'));
      await refused(fs.read(`${folder}/d`), 'FILESYSTEM', `${folder}/d`);
      await refused(fs.write(`${folder}/d`, bytes('x')), 'FILESYSTEM', `${folder}/d`);
      await refused(fs.write(`${folder}/d/f/g`, bytes('x')), 'FILESYSTEM', `${folder}/d/f/g`);
      deepStrictEqual(await namesIn(fs, folder), ['d']);
    },
  },
];

const growing: readonly FileSystemCase[] = [
  {
    name: 'grows a file that is visible from the start',
    run: async (fs, folder) => {
      const path = `${folder}/new/log`;
      const file = await fs.create(path);
      strictEqual((await fs.stat(path))?.sizeBytes, 0);
      await file.write(bytes('one,'));
      await file.sync();
      await Promise.all([file.write(bytes('two,')), file.write(bytes('three'))]);
      strictEqual(file.position, 13);
      await file.close();
      strictEqual(await textOf(fs, path), 'one,two,three');
    },
  },
  {
    name: 'goes on with a file after cutting it',
    run: async (fs, folder) => {
      const path = `${folder}/log`;
      await fs.write(path, bytes('kept,dropped'));
      const file = await fs.append(path, 5);
      strictEqual(file.position, 5);
      await file.write(bytes('new'));
      await file.close();
      strictEqual(await textOf(fs, path), 'kept,new');
      await refused(fs.append(path, 9), 'CORRUPT_DATA', path);
      await refused(fs.append(`${folder}/none`, 0), 'FILE_NOT_FOUND', `${folder}/none`);
    },
  },
  {
    name: 'empties a file that is created again, and abandons one without an error',
    run: async (fs, folder) => {
      await fs.write(`${folder}/f`, bytes('old content'));
      const file = await fs.create(`${folder}/f`);
      await file.write(bytes('new'));
      await file.abandon();
      await file.abandon();
      strictEqual(await textOf(fs, `${folder}/f`), 'new');
    },
  },
];

const folders: readonly FileSystemCase[] = [
  {
    name: 'renames into a folder that is not there and over a file',
    run: async (fs, folder) => {
      await fs.write(`${folder}/a`, bytes('a'));
      await fs.write(`${folder}/b`, bytes('b'));
      await fs.rename(`${folder}/a`, `${folder}/sub/c`);
      await fs.rename(`${folder}/b`, `${folder}/sub/c`);
      strictEqual(await textOf(fs, `${folder}/sub/c`), 'b');
      deepStrictEqual(await namesIn(fs, folder), ['sub']);
      await refused(fs.rename(`${folder}/b`, `${folder}/d`), 'FILE_NOT_FOUND', `${folder}/b`);
    },
  },
  {
    name: 'deletes files and folders, there or not',
    run: async (fs, folder) => {
      await fs.delete(`${folder}/none`);
      await fs.deleteFolder(`${folder}/none`);
      await fs.write(`${folder}/d/e/f`, bytes('x'));
      await fs.write(`${folder}/d/g`, bytes('x'));
      await fs.delete(`${folder}/d/g`);
      await refused(fs.delete(`${folder}/d/e`), 'FILESYSTEM', `${folder}/d/e`);
      deepStrictEqual(await namesIn(fs, `${folder}/d`), ['e']);
      await refused(fs.deleteFolder(`${folder}/d/e/f`), 'FILESYSTEM', `${folder}/d/e/f`);
      await fs.deleteFolder(`${folder}/d`);
      deepStrictEqual(await namesIn(fs, `${folder}/d`), []);
      await fs.write(`${folder}/d/e/f`, bytes('again'));
      strictEqual(await textOf(fs, `${folder}/d/e/f`), 'again');
    },
  },
  {
    name: 'lists entries by name with their kinds and sizes',
    run: async (fs, folder) => {
      await fs.write(`${folder}/b`, bytes('22'));
      await fs.write(`${folder}/a10`, bytes('1'));
      await fs.write(`${folder}/a9`, bytes('1'));
      await fs.write(`${folder}/Z/inner`, bytes('1'));
      await fs.makeFolder(`${folder}/empty`);
      const listed = await fs.list(folder);
      deepStrictEqual(
        listed.map((entry) => [entry.name, entry.isFolder]),
        [
          ['Z', true],
          ['a10', false],
          ['a9', false],
          ['b', false],
          ['empty', true],
        ],
      );
      strictEqual(listed[3]?.sizeBytes, 2);
      ok(listed[3].modifiedMs > 0);
      deepStrictEqual(await fs.list(`${folder}/none`), []);
      await refused(fs.list(`${folder}/b`), 'FILESYSTEM', `${folder}/b`);
    },
  },
  {
    name: 'looks at one entry',
    run: async (fs, folder) => {
      strictEqual(await fs.stat(`${folder}/none`), undefined);
      await fs.write(`${folder}/d/f`, bytes('abc'));
      strictEqual(await fs.stat(`${folder}/d/f/below`), undefined);
      const file = await fs.stat(`${folder}/d/f`);
      deepStrictEqual([file?.name, file?.isFolder, file?.sizeBytes], ['f', false, 3]);
      const inner = await fs.stat(`${folder}/d`);
      deepStrictEqual([inner?.name, inner?.isFolder], ['d', true]);
    },
  },
  {
    name: 'makes folders again and again, and not over a file',
    run: async (fs, folder) => {
      await Promise.all([fs.makeFolder(`${folder}/x/y`), fs.makeFolder(`${folder}/x/y`), fs.makeFolder(`${folder}/x`)]);
      await fs.makeFolder(`${folder}/x/y`);
      deepStrictEqual(await namesIn(fs, `${folder}/x`), ['y']);
      await fs.write(`${folder}/file`, bytes('x'));
      await refused(fs.makeFolder(`${folder}/file`), 'FILESYSTEM', `${folder}/file`);
    },
  },
  {
    name: 'bears names with spaces, umlauts, percent and other signs',
    run: async (fs, folder) => {
      const name = 'a b%20ü#?*&+=~日本';
      await fs.write(`${folder}/${name}/${name}`, bytes('x'));
      strictEqual(await textOf(fs, `${folder}/${name}/${name}`), 'x');
      deepStrictEqual(await namesIn(fs, folder), [name]);
    },
  },
];

/** Every implementation passes these; a test runs each with a fresh folder. */
export const fileSystemContract: readonly FileSystemCase[] = [...whole, ...growing, ...folders];
