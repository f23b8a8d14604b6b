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
  const reader = environment.openReader(restore.baseFolder, copies);
  await state.restore(restore, reader);
  if (files.length > 0) {
    const { local, storage } = reader.restored;
    environment.logger.info(
      `Finished restoring ${task.title} from checkpoint ${restore.checkpointId}: ` +
        `Restored from local copy: ${local} bytes, from storage: ${storage} bytes`,
      { attempt: task.attempt },
    );
  }
};
