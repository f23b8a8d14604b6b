import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `holds`; rejects with `what` when it takes too long. */
export const eventually = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
  { timeoutMs = 20_000, everyMs = 20, explain = (): string => '' } = {},
): Promise<void> => {
  const giveUpAtMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > giveUpAtMs) {
      throw new Error(`${timeoutMs} ms passed without this: ${what}\n${explain()}`);
    }
    await sleep(everyMs);
  }
};
