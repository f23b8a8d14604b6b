import { shownPath } from '../interfaces/cli/bundle/shown-path.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs user code that this thread cannot be called away from: meanwhile an interrupt ends the process at once, as no
 * listener would be heard before the code returns.
 */
const withDefaultSignals = async <T>(run: () => T | Promise<T>): Promise<T> => {
  const listeners = SIGNALS.map((signal) => [signal, process.rawListeners(signal)] as const);
  SIGNALS.forEach((signal) => process.removeAllListeners(signal));
  try {
    return await run();
  } finally {
    for (const [signal, all] of listeners) {
      all.forEach((listener) => process.on(signal, listener as NodeJS.SignalsListener));
    }
  }
};

/**
 * Runs what a job file has at its top and in its builder, in this process; `file` is what people know it by. Code that ends the
 * process says what it wants to say itself, but not that nothing was started; and that is no success.
 */
export const runJobFile = async <T>(file: string, run: () => T | Promise<T>): Promise<T> => {
  const ended = (code: number): void => {
    process.exitCode = code === 0 ? 1 : code;
    process.stderr.write(
      `millrace: the code of ${shownPath(file)} ended this process (exit code ${code}) before its job was known; nothing was started\n`,
    );
  };
  process.once('exit', ended);
  try {
    return await withDefaultSignals(run);
  } finally {
    process.off('exit', ended);
  }
};
