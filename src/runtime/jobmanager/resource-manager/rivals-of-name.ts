import { MillraceError } from '../../../foundation/common/errors.ts';
import type { TaskManagerRegistration } from '../../protocol/cluster-protocol.ts';

/** Another process with the same resource id. */
export const rivalOf = (
  { resourceId, instanceId }: TaskManagerRegistration,
  known: ReadonlyMap<string, TaskManagerRegistration>,
): TaskManagerRegistration | undefined =>
  [...known.values()].find((one) => one.resourceId === resourceId && one.instanceId !== instanceId);

export const nameTaken = ({ resourceId, rpcAddress, instanceId }: TaskManagerRegistration): MillraceError =>
  new MillraceError(
    'HELLO_REFUSED',
    `taskmanager.resource-id '${resourceId}' belongs to a process that runs, at ${rpcAddress} (instance ` +
      `${instanceId}); give each TaskManager its own`,
  );
