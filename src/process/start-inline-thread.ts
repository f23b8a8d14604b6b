import type { StartThread } from '../runtime/taskmanager/thread-host.ts';
import type { TaskThread } from '../runtime/taskmanager/task-thread.ts';
import type { ThreadSettings } from '../runtime/taskmanager/thread-protocol.ts';
import { runTaskThread } from './run-task-thread.ts';

const STOP_TIMEOUT_MS = 5_000;

/** Errors out of timers and promises of user code fail their task; all others are none of this thread's business. */
const catchUncaught = (thread: TaskThread): (() => void) => {
  const uncaught = (thrown: unknown): void => {
    if (thread.running !== undefined) {
      thread.crash(thrown);
    } else if (process.listenerCount('uncaughtException') === 1) {
      throw thrown; // as if nobody listened
    }
  };
  process.on('uncaughtException', uncaught);
  process.on('unhandledRejection', uncaught);
  return () => {
    process.off('uncaughtException', uncaught);
    process.off('unhandledRejection', uncaught);
  };
};

/**
 * Runs tasks in the calling thread, so that any debugger stops in them (`millrace run --inspect`). One thread only: user
 * code that blocks blocks the JobManager too.
 */
export const startInlineThread =
  (settings: Omit<ThreadSettings, 'index'>): StartThread =>
  (index, events) => {
    let ended = false;
    let stopped = (): void => {};
    const thread = runTaskThread(
      { ...settings, index },
      {
        // Reports arrive in a turn of their own, as they do from a worker.
        send: (report) => void setImmediate(() => !ended && events.report(report)),
        stopped: () => stopped(),
      },
    );
    const ignoreUncaught = catchUncaught(thread);
    return {
      send: (command) => void setImmediate(() => !ended && thread.handle(command)),
      terminate: () => {
        ended = true;
        return new Promise((resolve) => {
          // Code in this thread cannot be ended by force: what does not end in time is left behind.
          const timer = setTimeout(() => stopped(), STOP_TIMEOUT_MS);
          stopped = () => {
            clearTimeout(timer);
            ignoreUncaught();
            resolve();
          };
          thread.handle({ kind: 'stop' });
        });
      },
    };
  };
