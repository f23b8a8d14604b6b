import type { StartThread } from '../runtime/taskmanager/thread-host.ts';
import type { ThreadSettings } from '../runtime/taskmanager/thread-protocol.ts';
import { runTaskThread } from './run-task-thread.ts';

/**
 * Runs tasks in the calling thread, so that any debugger stops in them (`millrace run --inspect`). One thread only: user
 * code that blocks blocks the JobManager too.
 */
export const startInlineThread =
  (settings: Omit<ThreadSettings, 'index'>): StartThread =>
  (index, events) => {
    let ended = false;
    const thread = runTaskThread(
      { ...settings, index },
      {
        // Reports arrive in a turn of their own, as they do from a worker.
        send: (report) => void setImmediate(() => !ended && events.report(report)),
        stopped: () => {},
      },
    );
    return {
      send: (command) => void setImmediate(() => !ended && thread.handle(command)),
      terminate: () => {
        thread.handle({ kind: 'stop' });
        ended = true;
        return Promise.resolve();
      },
    };
  };
