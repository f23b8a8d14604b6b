import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import type { Subscription } from '../subscription.ts';
import type { AsyncWatchHandle } from './client/zookeeper-client.ts';
import type { SessionKeeper } from './session-keeper.ts';

/** Before a watch that could not be set is tried again. */
const RETRY_MS = 500;

/**
 * Calls with each change of a node below `path`, and with each connection: what changed while there was none may not be told. The
 * watch is set anew on each session; the first call comes when it is there. When it ends the ensemble is told, so that it sends nothing
 * that nobody wants any more.
 */
export class WatchedFolder implements Subscription {
  readonly #keeper: SessionKeeper;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #sessions: Subscription;
  /** The session that has the watch, or is about to. */
  #setOn = 0;
  #watch: AsyncWatchHandle | undefined;
  #timer: TimerHandle | undefined;
  #isOver = false;

  constructor(keeper: SessionKeeper, path: string, clock: Clock, changed: () => void) {
    this.#keeper = keeper;
    this.#path = path;
    this.#clock = clock;
    this.#changed = changed;
    this.#sessions = keeper.listen((event) => {
      if (event === 'connected') {
        this.#connected();
      }
    });
    this.#connected();
  }

  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#sessions.end();
    void this.#watch?.remove().catch(() => undefined);
    this.#watch = undefined;
  }

  #connected(): void {
    const { number, client } = this.#keeper;
    if (this.#setOn === number) {
      this.#tell();
      return;
    }
    this.#setOn = number;
    client
      .addWatch(this.#path, 'persistent-recursive', () => this.#tell())
      .then(
        (watch) => this.#set(watch, number),
        () => this.#failed(number),
      );
  }

  #set(watch: AsyncWatchHandle, number: number): void {
    if (this.#isOver) {
      void watch.remove().catch(() => undefined);
    } else if (this.#setOn === number) {
      this.#watch = watch;
      this.#tell();
    }
  }

  #failed(number: number): void {
    if (this.#setOn === number && !this.#isOver) {
      this.#setOn = 0;
      this.#timer?.cancel();
      this.#timer = this.#clock.after(RETRY_MS, () => this.#connected());
    }
  }

  #tell(): void {
    if (!this.#isOver) {
      this.#changed();
    }
  }
}
