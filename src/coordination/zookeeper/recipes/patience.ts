import type { Clock } from '../../../foundation/common/clock.ts';
import type { MultiOperation, SessionState, ZooKeeperClient } from '../client/zookeeper-client.ts';
import { ZooKeeperError, type ZooKeeperErrorCode } from '../client/zookeeper-error.ts';

const PAUSE_MIN_MS = 10;
const PAUSE_MAX_MS = 1_000;

export const isCode = (error: unknown, ...codes: readonly ZooKeeperErrorCode[]): boolean =>
  error instanceof ZooKeeperError && codes.includes(error.code);

export const isRetryable = (error: unknown): boolean => error instanceof ZooKeeperError && error.isRetryable;

/** `undefined`: the session lives, as far as this client knows. */
export const endOf = (state: SessionState, recipe: string, path: string): ZooKeeperError | undefined => {
  switch (state) {
    case 'expired':
      return new ZooKeeperError('SESSION_EXPIRED', recipe, path);
    case 'closed':
      return new ZooKeeperError('SESSION_CLOSED', recipe, path);
    case 'auth-failed':
      return new ZooKeeperError('AUTH_FAILED', recipe, path);
    case 'connecting':
    case 'connected':
      return undefined;
  }
};

export const pause = (clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(ms, resolve);
  });

/** Pauses that grow, before one more try. */
export class Pauses {
  readonly #clock: Clock;
  #nextMs = PAUSE_MIN_MS;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async take(): Promise<void> {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(2 * ms, PAUSE_MAX_MS);
    await pause(this.#clock, ms);
  }
}

/** Repeats what may succeed later, for as long as the session lives or `isWanted` holds. Rejects with what the last try ended in. */
export const patiently = async <T>(
  clock: Clock,
  run: () => Promise<T>,
  isWanted: () => boolean = () => true,
): Promise<T> => {
  const pauses = new Pauses(clock);
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isRetryable(error) || !isWanted()) {
        throw error;
      }
    }
    await pauses.take();
  }
};

/** `undefined` where there is no such node. */
export const ifThere = async <T>(call: Promise<T>): Promise<T | undefined> => {
  try {
    return await call;
  } catch (error) {
    if (isCode(error, 'NO_NODE')) {
      return undefined;
    }
    throw error;
  }
};

/**
 * What `read` asks for in its turn, as of a moment after the call, when all that this session has sent before has happened, or never will.
 *
 * First a write that changes nothing. A majority has agreed on it, at the leader and behind all that the leader had taken from this
 * session. What is still on its way by an earlier connection comes too late: the leader refuses with SESSION_MOVED what reaches it
 * through a server that has lost the session to another, and a server that gets the session anew closes its old connection first. Both
 * calls are sent in one go, and answered in their order, so that the answer is from behind that write. (`sync` is answered by the leader
 * alone, which for a moment may be one that is none any more, and takes it for a read: what others were answered by a follower may not be
 * there yet.)
 */
export const settled = async <T>(client: ZooKeeperClient, path: string, read: () => Promise<T>): Promise<T> => {
  const check: MultiOperation = { kind: 'check', path, version: -1 };
  const calls = [client.multi([check]), read()] as const;
  await Promise.allSettled(calls);
  const [, answer] = await Promise.all(calls);
  return answer;
};

/** Names of the children; none where there is no such node. See `settled`. */
export const settledChildren = async (client: ZooKeeperClient, path: string): Promise<readonly string[]> =>
  (await settled(client, path, () => ifThere(client.children(path))))?.names ?? [];
