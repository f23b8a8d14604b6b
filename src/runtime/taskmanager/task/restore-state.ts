import { fileHandlesOf } from '../../checkpoint/referenced-files.ts';
import type { BuildOptions } from './task-builder.ts';
import type { Task } from './task.ts';
import type { TaskStateStore } from './task-state-store.ts';

/**
 * Fills `state` with what the deployment names, from this machine where copies are there, and says from where; in Flink's words, by
 * which people and scripts find a restore.
 */
export const restoreState = async (
  task: Task,
  state: TaskStateStore,
  { deployment, environment, copies }: Pick<BuildOptions, 'deployment' | 'environment' | 'copies'>,
): Promise<void> => {
  const { restore } = deployment;
  const files = fileHandlesOf(
    (restore?.operators ?? []).flatMap((operator) => [...operator.states, ...operator.operatorStates]),
  );
  await copies?.restored(files);
  if (restore === undefined) {
    return;
  }
  const { logger } = environment;
  const handle = `${restore.baseFolder} (chk-${restore.checkpointId})`;
  const attempt = { attempt: task.attempt };
  logger.info(`Starting to restore from state handle: ${handle} for ${task.title}`, attempt);
  const reader = environment.openReader(restore.baseFolder, copies);
  await state.restore(restore, reader);
  const { local, storage } = reader.restored;
  const read = files.length === 0 ? '' : `: Restored from local copy: ${local} bytes, from storage: ${storage} bytes`;
  logger.info(`Finished restoring from state handle: ${handle} for ${task.title}${read}`, attempt);
};
