import { parentPort, workerData } from 'node:worker_threads';
import { present } from '../foundation/common/assert.ts';
import { runUserCode } from './run-user-code.ts';
import type { UserCodeCommand, UserCodeSettings } from './user-code-protocol.ts';

/** The entry of the worker thread that runs the enumerators of one job (R13). */
const port = present(parentPort, 'parent port');
const thread = runUserCode(workerData as UserCodeSettings, (report) => port.postMessage(report));

process.on('uncaughtException', (thrown) => thread.crashed(thrown));
process.on('unhandledRejection', (thrown) => thread.crashed(thrown));
port.on('message', (command: UserCodeCommand) => void thread.handle(command));
