import { describe, expect, test } from 'vitest';
import { parseConnectString } from './connect-string.ts';
import { Chroot } from './paths.ts';

describe('a connect string', () => {
  test.each([
    ['a', [['a', 2181]], ''],
    [
      'a:1,b.example:22',
      [
        ['a', 1],
        ['b.example', 22],
      ],
      '',
    ],
    [
      ' a:1 , b:2,',
      [
        ['a', 1],
        ['b', 2],
      ],
      '',
    ],
    [
      '[::1]:2182,[fe80::1%eth0]',
      [
        ['::1', 2182],
        ['fe80::1%eth0', 2181],
      ],
      '',
    ],
    ['127.0.0.1:1/app/x', [['127.0.0.1', 1]], '/app/x'],
    ['a/', [['a', 2181]], ''],
  ] as const)('%s', (text, servers, chroot) => {
    expect(parseConnectString(text)).toEqual({ servers: servers.map(([host, port]) => ({ host, port })), chroot });
  });

  test.each(['', '/app', 'a:', 'a:0', 'a:65536', 'a:x', '::1:2181', '[::1', 'a b', 'a:1/x/', 'a:1/x//y', 'http://a:1'])(
    "'%s' is refused",
    (text) => {
      expect(() => parseConnectString(text)).toThrow(/BAD_ARGUMENTS/);
    },
  );
});

describe('a chroot', () => {
  test('stands before each path', () => {
    const chroot = new Chroot('/app');
    expect([chroot.onServer('/'), chroot.onServer('/a')]).toEqual(['/app', '/app/a']);
    expect([chroot.ofClient('/app'), chroot.ofClient('/app/a')]).toEqual(['/', '/a']);
    expect(chroot.ofClient('/apple')).toBe('/apple');
    expect(new Chroot('').onServer('/')).toBe('/');
  });
});
