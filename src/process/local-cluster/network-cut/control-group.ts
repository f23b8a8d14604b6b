/** Where control groups of version 2 are: what is mounted, and what of that a process sees. */
export interface GroupMount {
  readonly folder: string;
  /** Path of `folder` in the hierarchy, as the reader sees it. */
  readonly root: string;
}

/** From `/proc/self/mountinfo`; `undefined`: there are none. */
export const groupMountIn = (mountInfo: string): GroupMount | undefined => {
  for (const line of mountInfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, folder] = before.split(' ');
    if (after.startsWith('cgroup2 ') && root !== undefined && folder !== undefined) {
      return { root, folder };
    }
  }
  return undefined;
};

/** The group of a process, from `/proc/<pid>/cgroup`. */
export const groupIn = (cgroup: string): string | undefined => /^0::(?<path>\/.*)$/m.exec(cgroup)?.groups?.['path'];

/** How deep a group is: the root is 0. */
export const levelOf = (group: string): number => group.split('/').filter((part) => part !== '').length;
