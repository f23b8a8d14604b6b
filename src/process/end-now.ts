import { EXIT_CODE_OF } from '../interfaces/cli/interrupts.ts';
import type { EndSignal } from '../interfaces/cli/run-command.ts';

/**
 * Ends the process as the signal does when nobody listens, after the listeners of `exit`. `process.exit` alone would wait for the
 * worker threads, and one of them may be in a call that cannot be interrupted.
 */
export const endNow = (signal: EndSignal): void => {
  process.once('exit', () => {
    process.removeAllListeners(signal);
    // Not heard by the first process of a container: that one exits and waits.
    process.kill(process.pid, signal);
  });
  process.exit(EXIT_CODE_OF[signal]);
};
