const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs user code that this thread cannot be called away from: meanwhile an interrupt ends the process at once, as no
 * listener would be heard before the code returns.
 */
export const withDefaultSignals = async <T>(run: () => T | Promise<T>): Promise<T> => {
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
