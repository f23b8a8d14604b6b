import type { LogFields, Logger, LogLevel } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { fileSystemOf } from '../foundation/filesystem/file-systems.ts';
import { privateDisk } from '../foundation/filesystem/local/node-disk.ts';
import { MAX_REMOTE_FRAME_BYTES } from '../runtime/network/exchange.ts';
import { TcpDataPlane } from '../runtime/network/tcp/tcp-data-plane.ts';
import { captureConsole } from '../runtime/taskmanager/console-capture.ts';
import { LocalStateDisk } from '../runtime/taskmanager/local-state/local-state-disk.ts';
import { SubtaskCopies } from '../runtime/taskmanager/local-state/subtask-copies.ts';
import { taskFiles } from '../runtime/taskmanager/task-files.ts';
import { TaskThread } from '../runtime/taskmanager/task-thread.ts';
import type { LocalStateSettings, ThreadReport, ThreadSettings } from '../runtime/taskmanager/thread-protocol.ts';
import { collectGarbage } from './collect-garbage.ts';
import { installModuleHooks } from './module-loader.ts';
import { loadTranslation } from './plan-job.ts';
import { heapStateFactories } from './state-factories.ts';

/** Runs a `TaskThread` with real effects in the thread that calls this. */
export const runTaskThread = (
  settings: ThreadSettings,
  channel: { readonly send: (report: ThreadReport) => void; readonly stopped: () => void },
): TaskThread => {
  // Deep enough to find the operator, and the user's own frames, behind whatever a library puts on the stack.
  Error.stackTraceLimit = 50;
  process.setSourceMapsEnabled(true);
  installModuleHooks();
  let loading = 0;
  const thread = new TaskThread(settings, {
    clock: systemClock,
    nextTurn: (run) => void setImmediate(run),
    send: channel.send,
    load: async (program) => {
      loading++;
      try {
        return await loadTranslation(program);
      } finally {
        loading--;
      }
    },
    stateFactories: heapStateFactories,
    ...taskFiles({
      locate: fileSystemOf,
      random: systemRandom,
      inlineThresholdBytes: settings.inlineThresholdBytes,
      readsLocal: settings.localState?.readsLocal === true,
    }),
    ...(settings.localState === undefined ? {} : { copiesOf: copiesIn(settings.localState, loggerTo(channel.send)) }),
    ...(settings.data === undefined ? {} : { dataPlane: dataPlaneOf(settings.index, settings.data, channel.send) }),
    memory: () => {
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return { heapUsedBytes: heapUsed, arrayBufferBytes: arrayBuffers };
    },
    collectGarbage,
    stopped: () => {
      restoreConsole();
      channel.stopped();
    },
  });
  const restoreConsole = captureConsole(console, ({ level, text, owner }) => {
    const running = thread.running;
    const operator = owner?.operatorName ?? running?.operatorName;
    const title = running?.title ?? '';
    // What the module and the builder print was seen at submission; here it would come once more for each thread.
    if (loading === 0 || operator !== undefined || title !== '') {
      thread.print({ level, text, source: sourceOf(title, operator) });
    }
  });
  return thread;
};

const dataPlaneOf = (
  thread: number,
  data: NonNullable<ThreadSettings['data']>,
  send: (report: ThreadReport) => void,
): TcpDataPlane => {
  const own = { instanceId: data.instanceId, thread };
  return new TcpDataPlane({ ...data, own }, MAX_REMOTE_FRAME_BYTES, systemClock, loggerTo(send));
};

const copiesIn = (
  { folders }: LocalStateSettings,
  logger: Logger,
): ((job: string, subtask: string) => SubtaskCopies) => {
  const disk = new LocalStateDisk({ disk: privateDisk, folders, linkedScheme: 'file', clock: systemClock, logger });
  return (job, subtask) => new SubtaskCopies(disk, job, subtask, logger);
};

const loggerTo = (send: (report: ThreadReport) => void): Logger => {
  const log = (level: LogLevel) => (message: string, fields?: LogFields) =>
    send({ kind: 'log', level, message, ...(fields === undefined ? {} : { fields }) });
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
};

/** `count (2/4)`: the operator's name where it is known, with the subtask of the task. */
const sourceOf = (title: string, operator: string | undefined): string => {
  const subtask = / \(\d+\/\d+\)$/.exec(title)?.[0] ?? '';
  return operator === undefined ? title : `${operator}${subtask}`;
};
