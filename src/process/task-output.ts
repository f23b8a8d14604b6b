import { once } from 'node:events';
import type { Logger } from '../foundation/common/logger.ts';
import type { TaskManagerEvents } from '../runtime/taskmanager/task-manager.ts';

/** A promise: nothing more is wanted until it settles. */
export type WriteLine = (line: string) => void | Promise<void>;

const writeStdout: WriteLine = (line) =>
  process.stdout.write(`${line}\n`) ? undefined : once(process.stdout, 'drain').then(() => {});

/**
 * What jobs print in a TaskManager of its own: lines of `print()` as they are, those of the console through the log, with job
 * and operator before them. What was made for a client is dropped, and said once for each job.
 */
export const taskOutput = (
  logger: Logger,
  writeLine: WriteLine = writeStdout,
): Pick<TaskManagerEvents, 'client' | 'console'> => {
  const told = new Set<string>();
  return {
    client: (jobId, channel, payload) => {
      if (channel === 'stdout') {
        return writeLine(String(payload));
      }
      if (!told.has(jobId)) {
        told.add(jobId);
        logger.warn(
          `Job ${jobId} collects "${channel}" for the process that started it; in a cluster nobody takes that`,
        );
      }
    },
    console: ({ level, source, text }, jobName) => {
      const from = [jobName, source].filter((part) => part !== undefined && part !== '').join(' ');
      logger[level](from === '' ? text : `[${from}] ${text}`);
    },
  };
};
