import { describe, expect, test } from 'vitest';
import { MillraceError } from '../foundation/common/errors.ts';
import { withBuilderEnvironment } from './builder-environment.ts';

const seenBy = <R>(isGuarded: boolean, env: Record<string, string>, read: () => R): R =>
  withBuilderEnvironment({ env, isGuarded }, read);

describe('the environment of a builder', () => {
  test('in one process it is that of the process, under what travels', () => {
    expect(seenBy(false, {}, () => process.env['PATH'])).toBe(process.env['PATH']);
    expect(
      seenBy(false, { PATH: 'travelled', TOPIC: 'orders' }, () => [process.env['PATH'], process.env['TOPIC']]),
    ).toEqual(['travelled', 'orders']);
  });

  test('afterwards it is as before, whatever the builder set or threw', () => {
    const before = process.env;
    seenBy(false, {}, () => {
      process.env['LEFT_BY_A_BUILDER'] = 'x';
    });
    expect(() =>
      seenBy(true, {}, () => {
        throw new Error('boom');
      }),
    ).toThrow('boom');
    expect(process.env).toBe(before);
    expect(process.env['LEFT_BY_A_BUILDER']).toBeUndefined();
  });

  test('guarded, what travels is there', () => {
    expect(seenBy(true, { TOPIC: 'orders' }, () => process.env['TOPIC'])).toBe('orders');
  });

  test.each<[string, () => unknown]>([
    ['read', () => process.env['PATH']],
    ['destructured', () => (({ PATH }) => PATH)(process.env)],
    ['asked for', () => 'PATH' in process.env],
    ['not even set', () => process.env['PATH_OF_NOBODY'] ?? process.env['PATH']],
  ])('guarded, another variable that is %s is an error that names it and the way out', (_how, read) => {
    const build = (): unknown => seenBy(true, { TOPIC: 'orders' }, read);
    expect(build).toThrow(MillraceError);
    expect(build).toThrow(/reads the environment variable PATH(_OF_NOBODY)?,.* run with --env PATH(_OF_NOBODY)?,/);
  });

  test('guarded, what libraries ask for anyway is no error, nor is what the builder set, nor a look at all of it', () => {
    const seen = seenBy(true, { TOPIC: 'orders' }, () => {
      process.env['MINE'] = '1';
      return { ...process.env, debug: process.env['DEBUG'], keys: Object.keys(process.env) };
    });
    expect(seen).toMatchObject({ TOPIC: 'orders', MINE: '1' });
    expect(seen).not.toHaveProperty('PATH');
  });
});
