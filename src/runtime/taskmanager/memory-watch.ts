import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import type { MillraceError } from '../../foundation/common/errors.ts';
import { MemoryGuard } from './memory-guard.ts';
import type { MemoryLimits } from './memory-guard.ts';
import type { ThreadHost } from './thread-host.ts';
import type { ThreadMemory } from './thread-protocol.ts';

export interface MemoryWatchOptions {
  readonly limits: MemoryLimits;
  /** Pause between two looks at the process. */
  readonly intervalMs: number;
  /** What the process takes of the machine. */
  readonly residentBytes: () => number;
}

export interface MemoryWatchHost {
  readonly clock: Clock;
  threads(): readonly (readonly [number, ThreadHost])[];
  collect(thread: number): void;
  end(thread: number, error: MillraceError): void;
}

const ANSWER_MS = 2_000;
const SHRINK_MS = 2_000;
/** Of a thread that has ended meanwhile. */
const NOTHING: ThreadMemory = { heapUsedBytes: 0, arrayBufferBytes: 0 };

/**
 * Keeps threads within their memory. They report what they take twice a second; what grows faster, or inside one call that
 * does not return, shows in the size of the process, and then the threads are looked into from outside.
 */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #host: MemoryWatchHost;
  readonly #guard: MemoryGuard;
  #timer: TimerHandle | undefined;
  #isAsking = false;
  /** What each thread took when it last said so, or was seen to. */
  readonly #last = new Map<number, ThreadMemory>();
  /** Threads that have to go and are not gone yet. */
  readonly #ending = new Set<number>();
  /** The process needs a moment to become smaller. */
  #shrinksUntilMs = 0;
  #stopped = false;

  constructor(options: MemoryWatchOptions, host: MemoryWatchHost) {
    this.#options = options;
    this.#host = host;
    this.#guard = new MemoryGuard(options.limits);
    this.#lookLater();
  }

  reported(thread: number, memory: ThreadMemory, collected: boolean): void {
    this.#judge(thread, memory, collected);
  }

  /** The thread is gone. */
  forget(thread: number): void {
    this.#guard.forget(thread);
    this.#last.delete(thread);
    if (this.#ending.delete(thread)) {
      this.#shrinksUntilMs = this.#host.clock.monotonic() + SHRINK_MS;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #judge(thread: number, memory: ThreadMemory, collected: boolean): void {
    this.#last.set(thread, memory);
    const verdict = this.#guard.judge(thread, memory, collected, this.#host.clock.monotonic());
    if (verdict.kind === 'collect') {
      this.#host.collect(thread);
    } else if (verdict.kind === 'end') {
      this.#end(thread, verdict.error);
    }
  }

  #end(thread: number, error: MillraceError): void {
    const isRunning = this.#host.threads().some(([index]) => index === thread);
    if (isRunning && !this.#ending.has(thread)) {
      this.#ending.add(thread);
      this.#host.end(thread, error);
    }
  }

  #lookLater(): void {
    this.#timer = this.#host.clock.after(this.#options.intervalMs, () => {
      if (!this.#isAsking && this.#guard.shouldAsk(this.#options.residentBytes())) {
        void this.#ask();
      }
      this.#lookLater();
    });
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const asked = this.#host
      .threads()
      .map(async ([thread, host]) => ({ thread, host, memory: await this.#memoryOf(host) }));
    const answers = await Promise.all(asked);
    this.#isAsking = false;
    if (this.#stopped) {
      return;
    }
    const running = new Map(this.#host.threads());
    const threads = answers.filter(({ thread, host }) => running.get(thread) === host);
    for (const { thread, memory } of threads) {
      if (memory !== undefined) {
        this.#judge(thread, memory, false);
      }
    }
    // What a thread took that had to go is not given back at once: no other one pays for it.
    if (this.#ending.size > 0 || this.#host.clock.monotonic() < this.#shrinksUntilMs) {
      return;
    }
    const residentBytes = this.#options.residentBytes();
    const largest = this.#guard.largest(
      threads.map(({ thread, memory }) => ({
        thread,
        memory: memory ?? this.#last.get(thread) ?? NOTHING,
        hasAnswered: memory !== undefined,
      })),
      residentBytes,
    );
    if (largest !== undefined) {
      this.#end(largest.thread, this.#guard.processIsFull(largest.thread, largest.memory, residentBytes));
    }
  }

  /** `undefined`: it does not answer. */
  async #memoryOf(host: ThreadHost): Promise<ThreadMemory | undefined> {
    let timer: TimerHandle | undefined;
    const timeout = new Promise<undefined>((resolve) => {
      timer = this.#host.clock.after(ANSWER_MS, () => resolve(undefined));
    });
    const answer = host.memory?.().catch(() => NOTHING) ?? Promise.resolve(NOTHING);
    const memory = await Promise.race([answer, timeout]);
    timer?.cancel();
    return memory;
  }
}
