import { describe, expect, test } from 'vitest';
import {
  booleanType,
  durationType,
  enumType,
  floatType,
  integerType,
  listType,
  mapType,
  memoryType,
  pathNameType,
  type OptionType,
  type RawValue,
} from './option-type.ts';

const mode = enumType(['exactly-once', 'at-least-once'], { exact: 'exactly-once' });

const cases: readonly [string, OptionType<unknown>, RawValue, unknown][] = [
  ['duration', durationType, '5 s', 5000],
  ['duration', durationType, 'soon', undefined],
  ['duration', durationType, ['5 s'], undefined],
  ['memory', memoryType, '64mb', 67_108_864],
  ['memory', memoryType, '64 apples', undefined],
  ['integer', integerType({ min: 1 }), ' 4 ', 4],
  ['integer', integerType({ min: 1 }), '0', undefined],
  ['integer', integerType(), '1.5', undefined],
  ['integer', integerType({ infinite: true }), 'infinite', Infinity],
  ['integer', integerType(), 'infinite', undefined],
  ['integer', integerType({ min: 1, aliases: { '-1': 128 } }), '-1', 128],
  ['float', floatType({ min: 1 }), '1.5', 1.5],
  ['float', floatType({ min: 1 }), '.5', undefined],
  ['float', floatType(), '1e3', 1000],
  ['boolean', booleanType, 'TRUE', true],
  ['boolean', booleanType, 'false', false],
  ['boolean', booleanType, 'yes', undefined],
  ['enum', mode, 'EXACTLY_ONCE', 'exactly-once'],
  ['enum', mode, 'at-least-once', 'at-least-once'],
  ['enum', mode, 'exact', 'exactly-once'],
  ['enum', mode, 'twice', undefined],
  ['path name', pathNameType, '/default', 'default'],
  ['path name', pathNameType, 'a//b/', 'a/b'],
  ['path name', pathNameType, '/', undefined],
  ['list', listType, 'a;b,c', ['a', 'b,c']],
  ['list', listType, 'a, b', ['a', 'b']],
  ['list', listType, '["a", b]', ['a', 'b']],
  ['list', listType, ['a', 'b'], ['a', 'b']],
  ['map', mapType, 'digest:user:word, x: y', { digest: 'user:word', x: 'y' }],
  ['map', mapType, '{digest: user}', { digest: 'user' }],
  ['map', mapType, { a: 'b' }, { a: 'b' }],
  ['map', mapType, 'nothing', undefined],
];

describe('option types', () => {
  test.each(cases)('%s %# reads %j', (_name, type, raw, expected) => {
    expect(type.parse(raw)).toEqual(expected);
  });

  test('what is allowed is said with its limits', () => {
    expect(integerType({ min: 1 }).allowed).toBe('a whole number, 1 or more');
    expect(integerType({ min: 0, max: 100 }).allowed).toBe('a whole number from 0 to 100');
    expect(integerType({ min: 0, infinite: true }).allowed).toBe('a whole number, 0 or more, or infinite');
    expect(mode.allowed).toBe('exactly-once, at-least-once');
  });
});
