import type { Disk } from '../../../src/foundation/filesystem/disk/disk.ts';

/** What is not of one job, and the results of those that have ended. */
const KEPT = /^\/cluster\/(leader-marker$|results\/[0-9a-f]{32}-[0-9a-f]{16}$)/;
const UNFINISHED = /^\/cluster\/(results\/)?\.[^/]*\.tmp$/;

/**
 * Files of jobs and of their checkpoints, in a world whose jobs have all ended. What was begun since the newest leader came is not counted:
 * the next one looks.
 */
export const leftBehind = async (disk: Disk): Promise<readonly string[]> => {
  const sinceMs = (await disk.stat('/cluster/leader-marker').catch(() => undefined))?.modifiedMs ?? 0;
  const left: string[] = [];
  const look = async (folder: string): Promise<void> => {
    for (const name of await disk.readFolder(folder).catch(() => [])) {
      const path = `${folder}/${name}`;
      const { isFolder, modifiedMs } = await disk.stat(path);
      if (isFolder) {
        // The HA store looks after its own.
        await (path === '/cluster/ha-store' ? undefined : look(path));
      } else if (!KEPT.test(path) && (!UNFINISHED.test(path) || modifiedMs < sinceMs)) {
        left.push(path);
      }
    }
  };
  await look('/checkpoints');
  await look('/cluster');
  return left;
};
