import type { LogFields, LogLevel } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { fileSystemOf } from '../foundation/filesystem/file-systems.ts';
import { createCheckpointTarget } from '../runtime/checkpoint/checkpoint-target.ts';
import { createStateReader } from '../runtime/checkpoint/state-reader.ts';
import { MAX_REMOTE_FRAME_BYTES } from '../runtime/network/exchange.ts';
import { TcpDataPlane } from '../runtime/network/tcp/tcp-data-plane.ts';
import { captureConsole } from '../runtime/taskmanager/console-capture.ts';
import { TaskThread } from '../runtime/taskmanager/task-thread.ts';
import type { ThreadReport, ThreadSettings } from '../runtime/taskmanager/thread-protocol.ts';
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
    openTarget: (barrier, tag) => {
      const { fs, path } = fileSystemOf(barrier.folder);
      return createCheckpointTarget(fs, {
        folder: path,
        checkpointId: barrier.checkpointId,
        kind: barrier.checkpoint,
        inlineThresholdBytes: settings.inlineThresholdBytes,
        tag,
        random: systemRandom,
      });
    },
    openReader: (baseFolder) => {
      const { fs, path } = fileSystemOf(baseFolder);
      return createStateReader(fs, path);
    },
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
  const log = (level: LogLevel) => (message: string, fields?: LogFields) =>
    send({ kind: 'log', level, message, ...(fields === undefined ? {} : { fields }) });
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const own = { instanceId: data.instanceId, thread };
  return new TcpDataPlane({ ...data, own }, MAX_REMOTE_FRAME_BYTES, systemClock, logger);
};

/** `count (2/4)`: the operator's name where it is known, with the subtask of the task. */
const sourceOf = (title: string, operator: string | undefined): string => {
  const subtask = / \(\d+\/\d+\)$/.exec(title)?.[0] ?? '';
  return operator === undefined ? title : `${operator}${subtask}`;
};
