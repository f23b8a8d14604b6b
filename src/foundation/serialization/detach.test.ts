import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { detach, detachString } from './detach.ts';
import { Channel, HEADROOM } from './test-support/channel.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const TEXT_UNITS = 400_000;
const TEXTS = 40;

/**
 * Bytes of heap that stay alive for each of `TEXTS` results of `keep`: the median of several looks, as other code of this
 * isolate may take or give memory back during one of them.
 */
const bytesKept = (keep: (i: number) => unknown): number => {
  const looks = Array.from({ length: 3 }, () => bytesKeptNow(keep)).toSorted((a, b) => a - b);
  return looks[1]!;
};

const bytesKeptNow = (keep: (i: number) => unknown): number => {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const kept = Array.from({ length: TEXTS }, (_, i) => keep(i));
  collectGarbage();
  const after = process.memoryUsage().heapUsed;
  expect(kept.length).toBe(TEXTS);
  return (after - before) / TEXTS;
};

const sliceOf = (i: number): string =>
  Buffer.alloc(TEXT_UNITS, 97 + (i % 26))
    .toString('latin1')
    .substring(i, i + 40);

describe('memory', () => {
  test('a slice keeps its text alive, a detached string does not', () => {
    expect(bytesKept(sliceOf)).toBeGreaterThan(TEXT_UNITS * 0.9);
    expect(bytesKept((i) => detachString(sliceOf(i)))).toBeLessThan(1000);
  });

  test('the same inside of values', () => {
    const valueOf = (i: number): unknown => ({
      a: sliceOf(i),
      b: [sliceOf(i), { c: sliceOf(i) }],
      d: new Map([[sliceOf(i), new Set([sliceOf(i)])]]),
    });
    expect(bytesKept(valueOf)).toBeGreaterThan(TEXT_UNITS * 4.5);
    expect(bytesKept((i) => detach(valueOf(i)))).toBeLessThan(5000);
  });

  test('strings that the former value has too are taken from there', () => {
    const formerOf = (i: number): unknown => detach({ a: sliceOf(i), b: [sliceOf(i), { c: sliceOf(i) }], d: 1 });
    const valueOf = (i: number): unknown => ({ a: sliceOf(i), b: [sliceOf(i), { c: sliceOf(i) }], d: sliceOf(i) });
    expect(bytesKept((i) => detach(valueOf(i), formerOf(i)))).toBeLessThan(5000);
    expect(bytesKept((i) => detach(sliceOf(i), detachString(sliceOf(i))))).toBeLessThan(1000);
  });

  test('what the former value shares may have new strings', () => {
    const valueOf = (i: number): unknown => {
      const shared: string[] = [];
      const former = detach({ shared, inner: { shared } });
      shared.push(sliceOf(i));
      return detach({ shared, inner: { shared } }, former);
    };
    expect(bytesKept(valueOf)).toBeLessThan(5000);
  });

  test('of sealed objects', () => {
    expect(bytesKept((i) => detach(Object.seal({ a: sliceOf(i) })))).toBeLessThan(1000);
  });

  test('of decoded records: a string keeps the text of its batch alive until it is detached', () => {
    const channel = new Channel();
    const strings = (i: number): string[] =>
      Array.from({ length: 5000 }, (_, j) => `a string that is unique: ${i}/${j}`);
    const firstOf = (i: number): string => {
      const encoded = channel.encoder.encode(strings(i), undefined, 5000);
      return channel.decoder.decode(encoded.subarray(HEADROOM)).values[0] as string;
    };
    firstOf(-1); // is a trial of a dictionary, which copies
    expect(bytesKept(firstOf)).toBeGreaterThan(100_000);
    expect(bytesKept((i) => detachString(firstOf(i)))).toBeLessThan(10_000);
  });

  test('the dictionary of an encoder does not hold the text that a word was cut from', () => {
    const channels = Array.from({ length: TEXTS }, () => new Channel());
    expect(bytesKept((i) => void channels[i]!.send([sliceOf(i)]))).toBeLessThan(100_000);
  });
});

describe('detach', () => {
  test('gives equal values in the same objects', () => {
    const long = 'more than thirteen units';
    const key = { k: long };
    const value = {
      a: long,
      b: [long, 1, null, undefined, { c: long }],
      d: new Map<unknown, unknown>([
        [long, long],
        ['short', key],
        [key, 1],
      ]),
      e: new Set<unknown>([long, key, 2]),
      f: new Date(1),
      g: 1n,
    };
    const copy = structuredClone(value);
    expect(detach(value)).toBe(value);
    expect(value).toStrictEqual(copy);
    expect([...value.d.keys()]).toStrictEqual([...copy.d.keys()]);
    expect(value.d.get('short')).toBe(key);
    expect(value.e.has(key)).toBe(true);
  });

  test('takes nothing but equal strings from the former value', () => {
    const long = 'more than thirteen units';
    const value = { a: long, b: [long, 'other text, long'], c: { d: long }, e: long, f: 'short' };
    const copy = structuredClone(value);
    const former = { a: `${long}!`, b: { 0: long }, c: [long], e: 5, f: 'trohs', g: long };
    expect(detach(value, former)).toStrictEqual(copy);
    expect(detach(value, null)).toStrictEqual(copy);
    expect(detach(value, value)).toStrictEqual(copy);
    expect(former).toStrictEqual({ a: `${long}!`, b: { 0: long }, c: [long], e: 5, f: 'trohs', g: long });
  });

  test('leaves frozen objects, accessors and primitives as they are', () => {
    const long = 'more than thirteen units';
    const frozen = Object.freeze({ a: long });
    const accessor = {
      get a() {
        return long;
      },
    };
    expect(detach(frozen)).toBe(frozen);
    expect(detach(accessor)).toBe(accessor);
    expect(detach(long)).toBe(long);
    expect(detach(null)).toBeNull();
    expect(detach(5)).toBe(5);
  });

  test('ends in a cycle', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(detach(cycle)).toBe(cycle);
  });
});
