import { expect, test } from 'vitest';
import { groupIn, groupMountIn, levelOf } from './control-group.ts';

test('groups of version 2 are found where they are alone, and beside those of version 1', () => {
  const tmpfs = '24 21 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - tmpfs tmpfs rw,mode=755';
  const first = '25 24 0:23 / /sys/fs/cgroup/memory rw,nosuid shared:5 - cgroup cgroup rw,memory';
  expect(groupMountIn(`${tmpfs}\n30 24 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n${first}\n`)).toEqual({
    folder: '/sys/fs/cgroup/unified',
    root: '/',
  });
  expect(groupMountIn('30 24 0:28 /box /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate')).toEqual({
    folder: '/sys/fs/cgroup',
    root: '/box',
  });
  expect(groupMountIn(`${tmpfs}\n${first}`)).toBeUndefined();
});

test('the group of a process, and how deep it is', () => {
  expect(groupIn('9:name=systemd:/user\n4:memory:/\n0::/user.slice/user-1000.slice\n')).toBe(
    '/user.slice/user-1000.slice',
  );
  expect(groupIn('0::/\n')).toBe('/');
  expect(groupIn('4:memory:/box\n')).toBeUndefined();
  expect(levelOf('/')).toBe(0);
  expect(levelOf('/user.slice/user-1000.slice')).toBe(2);
});
