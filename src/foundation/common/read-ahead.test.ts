import { expect, test } from 'vitest';
import { ReadAhead } from './read-ahead.ts';

const reads = (...keys: readonly string[]) => {
  const done: string[] = [];
  const wanted = new Map(
    keys.map((key) => [
      key,
      () => {
        done.push(key);
        return key === 'bad' ? Promise.reject(new Error('bad')) : Promise.resolve(key.toUpperCase());
      },
    ]),
  );
  return { done, wanted };
};

test('keeps what is wanted, reads it once and hands it out once', async () => {
  const ahead = new ReadAhead<string>(10);
  await ahead.keep(reads('a', 'b').wanted);
  const { done, wanted } = reads('b', 'c');
  await ahead.keep(wanted);
  expect(done).toEqual(['c']);
  expect(['a', 'b', 'c', 'b'].map((key) => ahead.take(key))).toEqual([undefined, 'B', 'C', undefined]);
  expect(ahead.size).toBe(0);
});

test('what cannot be read is read where it is needed', async () => {
  const ahead = new ReadAhead<string>(10);
  await ahead.keep(reads('a', 'bad', 'c').wanted);
  expect(ahead.size).toBe(2);
  expect(ahead.take('bad')).toBeUndefined();
});

test('has a limit', async () => {
  const ahead = new ReadAhead<string>(2);
  await ahead.keep(reads('a', 'b', 'c', 'd').wanted);
  expect(ahead.size).toBe(2);
});
