import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { ZooKeeperError } from '../client/zookeeper-error.ts';
import type { WaitOptions } from './recipe-options.ts';

/** Throws BAD_ARGUMENTS, or the signal's reason where it is aborted already. */
export const checkWait = ({ timeoutMs, signal }: WaitOptions, recipe: string, path: string): void => {
  if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
    throw new ZooKeeperError('BAD_ARGUMENTS', recipe, path, 'timeoutMs is a number of milliseconds from 0 on');
  }
  signal?.throwIfAborted();
};

/** Rejects with the reason of the signal, or with `overdue()` after the time; a time of 0 is the promise's own business. */
export const limited = async <T>(
  promise: Promise<T>,
  clock: Clock,
  { timeoutMs, signal }: WaitOptions,
  overdue: () => ZooKeeperError,
): Promise<T> => {
  const limit = Promise.withResolvers<never>();
  const aborted = (): void => limit.reject(signal?.reason);
  let timer: TimerHandle | undefined;
  const begunAtMs = clock.monotonic();
  // A timer may be one that cannot run for so long.
  const wait = (): void => {
    const leftMs = begunAtMs + (timeoutMs ?? 0) - clock.monotonic();
    if (leftMs > 0) {
      timer = clock.after(Math.min(leftMs, TIMER_MAX_MS), wait);
    } else {
      limit.reject(overdue());
    }
  };
  if (timeoutMs !== undefined && timeoutMs > 0 && timeoutMs !== Infinity) {
    wait();
  }
  signal?.addEventListener('abort', aborted);
  try {
    return await Promise.race([promise, limit.promise]);
  } finally {
    timer?.cancel();
    signal?.removeEventListener('abort', aborted);
  }
};

const TIMER_MAX_MS = 2 ** 31 - 1;
