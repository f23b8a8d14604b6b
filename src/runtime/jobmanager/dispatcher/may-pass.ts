import type { ClusterStorage } from '../../../coordination/storage/cluster-storage.ts';
import { codeOf } from '../../../foundation/common/errors.ts';
import { isAway } from './is-away.ts';

/** Whether what kept a job from being loaded is away, not broken (R5). Where the whole folder of the cluster is missing, so is the mount. */
export const mayPass = async (thrown: unknown, { fs, folder }: ClusterStorage): Promise<boolean> => {
  if (isAway(thrown) || codeOf(thrown) !== 'FILE_NOT_FOUND') {
    return isAway(thrown);
  }
  return fs.stat(folder).then(
    (found) => found === undefined,
    () => true,
  );
};
