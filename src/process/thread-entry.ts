import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { present } from '../foundation/common/assert.ts';
import type { ThreadCommand, ThreadSettings } from '../runtime/taskmanager/thread-protocol.ts';
import { runTaskThread } from './run-task-thread.ts';

/** The entry of a worker thread that runs tasks. */
const port: MessagePort = present(parentPort, 'parent port');

const thread = runTaskThread(workerData as ThreadSettings, {
  send: (report) => port.postMessage(report),
  stopped: () => port.close(),
});

process.on('uncaughtException', (thrown) => thread.crash(thrown));
process.on('unhandledRejection', (thrown) => thread.crash(thrown));
port.on('message', (command: ThreadCommand) => thread.handle(command));
