import { LocalStateDisk } from '../../../src/runtime/taskmanager/local-state/local-state-disk.ts';
import { SubtaskCopies } from '../../../src/runtime/taskmanager/local-state/subtask-copies.ts';
import { MemoryDisk } from '../../../src/foundation/filesystem/memory/memory-disk.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** Copies of state on a disk of the process's own, which answers at once and is gone with it. */
export const copiesOn = (
  { clock, logger }: SimulatedProcess,
  instanceId: string,
): ((job: string, subtask: string) => SubtaskCopies) => {
  const disk = new LocalStateDisk({
    disk: new MemoryDisk(() => clock.now()),
    folders: [`/${instanceId}`],
    // It is another disk than that of the checkpoints.
    linkedScheme: '',
    clock,
    logger,
  });
  return (job, subtask) => new SubtaskCopies(disk, job, subtask, logger);
};
