import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectedErrorsIn, typeErrorsOf, type TypeError } from './type-errors.ts';

const CASES = path.join(import.meta.dirname, 'cases');

describe('types of the DataStream API', () => {
  let actual: readonly TypeError[] = [];
  let expected: readonly TypeError[] = [];
  let text = '';

  beforeAll(async () => {
    const files = (await readdir(CASES)).filter((name) => name.endsWith('.ts')).map((name) => path.join(CASES, name));
    text = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
    expected = (await Promise.all(files.map(expectedErrorsIn))).flat();
    actual = await typeErrorsOf('test/types/tsconfig.json');
  }, 120_000);

  const at =
    ({ file, line }: TypeError) =>
    (other: TypeError): boolean =>
      other.file === file && other.line === line;

  it('reports every error that is expected, in the words that are expected', () => {
    const missing = expected.filter((each) => !actual.filter(at(each)).some((error) => error.text.includes(each.text)));
    expect(
      missing.map((each) => ({
        where: `${each.file}:${each.line}`,
        expected: each.text,
        actual: actual.filter(at(each)).map((error) => error.text),
      })),
    ).toEqual([]);
  });

  it('reports nothing else', () => {
    const surprises = actual.filter((error) => !expected.some(at(error)));
    expect(surprises.map((error) => `${error.file}:${error.line} ${error.text}`)).toEqual([]);
  });

  it('has at least 30 cases, half of them errors', () => {
    const cases = text.match(/^\/\/ case: /gm)?.length ?? 0;
    expect(cases).toBeGreaterThanOrEqual(30);
    expect(expected.length).toBeGreaterThanOrEqual(cases / 2);
  });
});
