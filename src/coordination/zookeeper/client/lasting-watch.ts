import type { Request } from './request.ts';
import type { LastingMode } from './requests.ts';
import { tell } from './watch-event.ts';
import type { Watcher, WatchEvent } from './zookeeper-client.ts';

/** Sends a request; its `read` is called while the frame is handled, in the order of frames. */
export type Ask = <T>(request: Request<T>) => Promise<T>;

/** One watch that stays: what it knows of the nodes, so that it can tell what changed while nobody listened. */
export interface LastingWatch {
  readonly path: string;
  readonly mode: LastingMode;
  readonly audience: Audience;
  /** Any event of the session. */
  hear(event: WatchEvent): void;
  /** After it was set for the first time: reads what is there, tells nothing. `began`: called when it has read the path itself. */
  learn(ask: Ask, began: () => void): Promise<void>;
  /** After it was set again: reads what is there, and tells what is not as it was at transaction `since`. */
  compare(ask: Ask, since: bigint): Promise<void>;
  /** All that was told is from before what the client knows to have seen; until then an event may be told again. */
  settled(): void;
}

/** Those who hear of what a watch hears. */
export class Audience {
  readonly #listeners = new Set<{ readonly watcher: Watcher }>();

  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  /** Returns what ends it. */
  add(watcher: Watcher): () => void {
    const listener = { watcher };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(kind: WatchEvent['kind'], path: string): void {
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) {
        tell(listener.watcher, { kind, path });
      }
    }
  }
}
