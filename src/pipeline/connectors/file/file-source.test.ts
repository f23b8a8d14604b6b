import fc from 'fast-check';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import type { Logger } from '../../../foundation/common/logger.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import type { Source } from '../source.ts';
import { SourceHarness } from '../source-harness.ts';
import { csvFile } from './csv-file.ts';
import { fileEnumerator } from './file-enumerator.ts';
import { jsonLines } from './json-lines.ts';
import { textFile } from './text-file.ts';

let folder: string;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-file-source-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

const fileWith = async (content: string | Uint8Array): Promise<string> => {
  const path = join(folder, `file-${++files}`);
  await writeFile(path, content);
  return path;
};

const driver = <T>(source: Source<T>, options: { parallelism?: number; logger?: Logger } = {}): SourceHarness<T> =>
  new SourceHarness(source, { factory: fileEnumerator, ...options });

const readAll = async <T>(source: Source<T>, parallelism = 1): Promise<readonly T[]> => {
  const reading = driver(source, { parallelism });
  await reading.discover();
  await reading.run();
  await reading.close();
  return reading.values;
};

describe('textFile', () => {
  it.each([
    ['', []],
    ['\n', ['']],
    ['a', ['a']],
    ['a\nb', ['a', 'b']],
    ['a\r\nb\r\n', ['a', 'b']],
    ['\ufeffa\nb\n', ['a', 'b']],
    ['\ufeff', []],
    ['a\n\n\nb\n', ['a', '', '', 'b']],
    ['ü€😀\nß', ['ü€😀', 'ß']],
  ])('reads %j', async (content, lines) => {
    expect(await readAll(textFile(await fileWith(content)))).toEqual(lines);
  });

  it('gives the same lines whatever the sizes of splits and reads, restored anywhere', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'ü', '€', '😀', ' ', '"', ','), maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 30 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(30),
        fc.integer({ min: 1, max: 3 }),
        async (lines, lineEnd, endsWithLine, splitSize, readSize, stopAfter, parallelism) => {
          const last = endsWithLine ? lineEnd : '';
          const text = lines.length === 0 ? '' : lines.join(lineEnd) + last;
          const path = await fileWith(text);
          // A last line that is empty and has no line end is none.
          const expected = endsWithLine || lines.at(-1) !== '' ? lines : lines.slice(0, -1);
          const source = textFile(path, { splitSize, readSize });
          const first = new SourceHarness(source, { factory: fileEnumerator, parallelism });
          await first.discover();
          await first.run(() => first.isEnded || first.emitted.length >= stopAfter, 1);
          const restored = JSON.parse(JSON.stringify(first.snapshot()));
          await first.close();
          const second = new SourceHarness(source, { factory: fileEnumerator, restored, parallelism: 2 });
          await second.discover();
          await second.run();
          expect([...first.values, ...second.values].toSorted()).toEqual(expected.toSorted());
          if (parallelism === 1 && Buffer.byteLength(text) <= splitSize) {
            // One split has one reader at a time.
            expect([...first.values, ...second.values]).toEqual(expected);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keeps the order of a file that is read by one', async () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}`);
    expect(await readAll(textFile(await fileWith(lines.join('\n')), { splitSize: 100, readSize: 64 }))).toEqual(lines);
  });

  it('shares the ranges of a file between readers', async () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}`);
    const values = await readAll(textFile(await fileWith(lines.join('\n')), { splitSize: 100, readSize: 64 }), 3);
    expect(values.toSorted()).toEqual(lines.toSorted());
    expect(values).not.toEqual(lines);
  });

  it('reads folders, patterns and several paths, but nothing hidden', async () => {
    const root = join(folder, 'tree');
    const names = [
      'a.txt',
      'b.log',
      'sub/c.txt',
      'sub/deep/d.txt',
      '.hidden.txt',
      '_temporary/e.txt',
      'sub/.part-1.pending',
    ];
    for (const name of names) {
      await mkdir(join(root, name, '..'), { recursive: true });
      await writeFile(join(root, name), `${name}\n`);
    }
    expect(await readAll(textFile(root))).toEqual(['a.txt', 'b.log', 'sub/c.txt', 'sub/deep/d.txt']);
    expect(await readAll(textFile(`${root}/*.txt`))).toEqual(['a.txt']);
    expect(await readAll(textFile(`${root}/**/*.txt`))).toEqual(['a.txt', 'sub/c.txt', 'sub/deep/d.txt']);
    expect(await readAll(textFile(`${root}/{a,b}.*`))).toEqual(['a.txt', 'b.log']);
    expect(await readAll(textFile(`${root}/[!b]*`))).toEqual(['a.txt']);
    expect(await readAll(textFile(`${root}/sub/?.txt`))).toEqual(['sub/c.txt']);
    expect(await readAll(textFile(`${root}/_temporary/*`))).toEqual(['_temporary/e.txt']);
    expect(await readAll(textFile([`${root}/b.log`, `file://${root}/a.txt`]))).toEqual(['b.log', 'a.txt']);
    expect(await readAll(textFile(`${root}/*.nothing`))).toEqual([]);
  });

  it('says that a path is missing', async () => {
    await expect(readAll(textFile(join(folder, 'nope.txt')))).rejects.toThrow(
      /nope\.txt: there is no such file or folder/,
    );
    await expect(readAll(textFile(join(folder, 'nope/*.txt')))).rejects.toThrow(/nope\/\*\.txt: there is no folder/);
    expect(() => textFile('gopher://x')).toThrow(/there is no file system for "gopher:"/);
  });

  it('refuses a line that is too long, with file and line', async () => {
    const path = await fileWith(`short\n${'x'.repeat(500)}`);
    await expect(readAll(textFile(path, { maxLineSize: 100, readSize: 64 }))).rejects.toThrow(
      `${path}, line 2: a record of more than 100 bytes`,
    );
  });

  it('takes new files of a watched folder once they have stopped growing', async () => {
    const watched = join(folder, 'watched');
    await mkdir(watched);
    await writeFile(join(watched, 'a'), 'a1\n');
    const source = textFile(watched, { monitorEvery: '1s' });
    expect(source.plan.bounded).toBe(false);
    const reading = driver(source);
    await reading.discover();
    await reading.run(() => true);
    expect(reading.values).toEqual([]);
    await writeFile(join(watched, 'a'), 'a1\na2\n');
    await reading.discover();
    await reading.discover();
    await reading.run(() => reading.values.length === 2);
    await writeFile(join(watched, 'b'), 'b1\n');
    await reading.discover();
    await reading.discover();
    await reading.discover();
    await reading.run(() => reading.values.length === 3);
    expect(reading.values).toEqual(['a1', 'a2', 'b1']);
    const again = new SourceHarness(source, { factory: fileEnumerator, restored: reading.snapshot() });
    await writeFile(join(watched, 'c'), 'c1\n');
    await again.discover();
    await again.discover();
    await again.run(() => again.values.length === 1);
    expect(again.values).toEqual(['c1']);
  });
});

describe('csvFile', () => {
  it('types and names fields', async () => {
    const path = await fileWith(
      '1,"Smith, ""Jo""",true,2026-01-31T12:00:00Z,\n-2.5,x,0,2026-02-01,12345678901234567890\n',
    );
    const source = csvFile(path, {
      columns: { a: 'number', name: 'string', ok: 'boolean', at: 'date', big: 'bigint?' },
    });
    expectTypeOf(source).toEqualTypeOf<
      Source<{
        readonly a: number;
        readonly name: string;
        readonly ok: boolean;
        readonly at: Date;
        readonly big: bigint | undefined;
      }>
    >();
    expect(await readAll(source)).toEqual([
      { a: 1, name: 'Smith, "Jo"', ok: true, at: new Date('2026-01-31T12:00:00Z'), big: undefined },
      { a: -2.5, name: 'x', ok: false, at: new Date('2026-02-01'), big: 12345678901234567890n },
    ]);
  });

  it('takes the names from the header, columns in any order', async () => {
    const path = await fileWith('\ufeffname;age;city\r\nJo;3;Ulm\r\n\r\nAl;4;"Bad ""X"""\r\n');
    expect(await readAll(csvFile(path, { delimiter: ';' }))).toEqual([
      { name: 'Jo', age: '3', city: 'Ulm' },
      { name: 'Al', age: '4', city: 'Bad "X"' },
    ]);
    const typed = csvFile(path, {
      delimiter: ';',
      header: true,
      columns: { age: 'integer', name: (text) => text.length },
    });
    expectTypeOf(typed).toEqualTypeOf<Source<{ readonly age: number; readonly name: number }>>();
    expect(await readAll(typed)).toEqual([
      { age: 3, name: 2 },
      { age: 4, name: 2 },
    ]);
  });

  it('reads line ends in quotes across reads, restored anywhere', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => ({
      id: String(i),
      note: `a "${i}"\r\nb,\n${'€'.repeat(i % 5)}`,
    }));
    const text = `id,note\n${rows.map(({ id, note }) => `${id},"${note.replaceAll('"', '""')}"`).join('\n')}`;
    const source = csvFile(await fileWith(text), { readSize: 7, splitSize: 10 });
    for (const stopAfter of [0, 1, 7, 39]) {
      const first = driver(source);
      await first.discover();
      await first.run(() => first.emitted.length >= stopAfter, 1);
      const second = new SourceHarness(source, { factory: fileEnumerator, restored: first.snapshot() });
      await second.discover();
      await second.run();
      expect([...first.values, ...second.values]).toEqual(rows);
    }
  });

  it('splits files whose fields have no line ends, the header known to each reader', async () => {
    const rows = Array.from({ length: 100 }, (_, i) => ({ id: i, name: `n${i}` }));
    const text = `name,id\n${rows.map(({ id, name }) => `${name},${id}`).join('\n')}\n`;
    const source = csvFile(await fileWith(text), {
      header: true,
      columns: { id: 'integer', name: 'string' },
      quotedLineEnds: false,
      splitSize: 50,
    });
    const values = await readAll(source, 3);
    expect(values.toSorted((a, b) => a.id - b.id)).toEqual(rows);
  });

  it.each([
    ['1,x\n2\n', 'line 2: 1 fields where 2 are expected'],
    ['1,x\nzwei,y\n', 'line 2: column "a": "zwei" is no number'],
    ['1,"x\ny"\n2,"z" z\n', 'line 3: field 2 goes on after its closing quote'],
    ['1,x\n2,y"z"\n', 'line 2: field 2 has a quote inside'],
    ['1,x\n2,"y\nz\n', 'line 2: the quote of field 2 is never closed'],
  ])('names file and line of %j', async (content, message) => {
    const path = await fileWith(content);
    await expect(readAll(csvFile(path, { columns: { a: 'number', b: 'string' } }))).rejects.toThrow(
      `${path}, ${message}`,
    );
  });

  it('leaves bad lines out where told to, counts them, and logs now and then', async () => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
    const bad = Array.from({ length: 50 }, (_, i) => `x${i},y`).join('\n');
    const path = await fileWith(`1,a\n${bad}\n2,"never closed\n3,c\n4,d`);
    const reading = driver(csvFile(path, { columns: { a: 'number', b: 'string' }, onError: 'skip' }), { logger });
    await reading.discover();
    await reading.run();
    await reading.close();
    expect(reading.values.map(({ a }) => a)).toEqual([1, 3, 4]);
    expect(warnings).toHaveLength(2);
    expect(warnings[1]).toBe(`left out 51 bad lines so far, ${path}, line 52: the quote of field 2 is never closed`);
  });

  it('says what is wrong with the header and with options', async () => {
    const path = await fileWith('a,b\n1,2\n');
    await expect(readAll(csvFile(path, { header: true, columns: { c: 'string' } }))).rejects.toThrow(
      `${path}, line 1: the header has no column "c", only a, b`,
    );
    expect(() => csvFile(path, { header: false })).toThrow(/give "columns"/);
    expect(() => csvFile(path, { delimiter: ';;' })).toThrow(/the delimiter is ";;"/);
    expect(() => csvFile(path, { columns: { a: 'float' as 'number' } })).toThrow(/the type of column "a" is float/);
  });
});

describe('jsonLines', () => {
  it('reads values, leaves empty lines out', async () => {
    const path = await fileWith('{"a":1}\n\n[2]\r\n null \n');
    expect(await readAll(jsonLines(path))).toEqual([{ a: 1 }, [2], null]);
  });

  it('fails or skips, with what parse throws too', async () => {
    const path = await fileWith('{"a":1}\n{"a":\n{"a":-1}\n{"a":2}\n');
    const parse = (value: unknown): { a: number } => {
      const record = value as { a: number };
      if (record.a < 0) {
        throw new Error('a is negative');
      }
      return record;
    };
    await expect(readAll(jsonLines(path))).rejects.toThrow(`${path}, line 2: `);
    const source = jsonLines(path, { parse, onError: 'skip', timestamps: ({ a }) => a * 1000 });
    const reading = driver(source);
    await reading.discover();
    await reading.run();
    expect(reading.emitted).toEqual([
      { value: { a: 1 }, timestamp: 1000 },
      { value: { a: 2 }, timestamp: 2000 },
    ]);
  });
});
