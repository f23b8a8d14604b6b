import { systemClock } from '../../src/foundation/common/system-clock.ts';
import { startWorkerThread } from '../../src/process/start-worker-thread.ts';
import { TaskManager } from '../../src/runtime/taskmanager/task-manager.ts';
import type { FromProcess, ToProcess } from './process-protocol.ts';

/** A process with one TaskManager, told what to do by its parent. */
const send = (message: FromProcess): void => {
  if (process.connected) {
    // To a parent that is gone nothing can be said; 'disconnect' ends this process.
    process.send!(message, undefined, undefined, () => {});
  }
};
const log = (level: string) => (message: string) => send({ kind: 'log', line: `${level} ${message}` });

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

let manager: TaskManager | undefined;

process.on('message', (message: ToProcess) => {
  switch (message.kind) {
    case 'start':
      manager = new TaskManager({
        slots: message.slots,
        threads: message.threads,
        instanceId: message.instanceId,
        startThread: startWorkerThread({ settings: message.settings, heapLimitBytes: 256 * 1_048_576 }),
        clock: systemClock,
        logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
        events: {
          client: () => {},
          console: ({ text }) => log('console')(text),
          located: (slots) => send({ kind: 'located', slots }),
          connectionLost: (remote, reason) => send({ kind: 'lost', remote, reason }),
        },
        cancellationTimeoutMs: 0,
        cancellationIntervalMs: 0,
      });
      manager.register({
        report: (report) => send({ kind: 'report', report }),
        metrics: (metrics) => send({ kind: 'metrics', metrics, cpuMs: cpuMs() }),
      });
      return;
    case 'deploy':
      return manager?.deploy(message.fence, message.deployments);
    case 'command':
      return manager?.command(message.fence, message.attempt, message.command);
    case 'kill-thread':
      return void manager?.killThread(message.thread);
  }
});

process.once('disconnect', () => process.exit(0));
