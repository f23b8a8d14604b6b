import { fileHandlesOf } from '../../checkpoint/referenced-files.ts';
import type { BuildOptions } from './task-builder.ts';
import type { Task } from './task.ts';
import type { TaskStateStore } from './task-state-store.ts';

/** Fills `state` with what the deployment names, from this machine where copies are there, and says from where. */
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
  // In Flink's words, by which people and scripts find a restore.
  const handle = `${restore.baseFolder} (id ${restore.checkpointId})`;
  logger.info(`${task.title}: Starting to restore from state handle: ${handle}.`);
  const reader = environment.openReader(restore.baseFolder, copies);
  await state.restore(restore, reader);
  const { local, storage } = reader.restored;
  logger.info(
    `${task.title}: Finished restoring from state handle: ${handle}. ` +
      `Restored from local copy: ${local} bytes, from storage: ${storage} bytes`,
    { attempt: task.attempt },
  );
};
