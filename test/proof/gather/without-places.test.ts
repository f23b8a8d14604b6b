import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { placesOf, withoutPlaces } from './without-places.ts';

test('no text of the data names a folder of this machine, and all else stays', () => {
  const root = join(homedir(), 'work', 'millrace');
  const data = { lines: [`at ${root}/src/a.ts`, `in ${join(tmpdir(), 'x')}`], count: 3, none: null, is: true };
  const clean = withoutPlaces(data, placesOf(root));
  expect(clean).toEqual({ lines: ['at <project>/src/a.ts', 'in <tmp>/x'], count: 3, none: null, is: true });
});

test('a longer place goes before one that is a part of it', () => {
  const places = placesOf(join(tmpdir(), 'clone'));
  expect(withoutPlaces(join(tmpdir(), 'clone', 'a'), places)).toBe('<project>/a');
});
