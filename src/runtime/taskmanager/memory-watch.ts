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
/** A thread that does not even answer is deep in something: if one has to go, it is this one. */
const UNKNOWN: ThreadMemory = { heapUsedBytes: Infinity, arrayBufferBytes: 0 };

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
  /** The process needs a moment to become smaller. */
  #endedUntilMs = 0;
  #stopped = false;

  constructor(options: MemoryWatchOptions, host: MemoryWatchHost) {
    this.#options = options;
    this.#host = host;
    this.#guard = new MemoryGuard(options.limits);
    this.#lookLater();
  }

  reported(thread: number, memory: ThreadMemory, collected: boolean): void {
    this.#isEnded(thread, memory, collected);
  }

  forget(thread: number): void {
    this.#guard.forget(thread);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #isEnded(thread: number, memory: ThreadMemory, collected: boolean): boolean {
    const verdict = this.#guard.judge(thread, memory, collected, this.#host.clock.monotonic());
    if (verdict.kind === 'collect') {
      this.#host.collect(thread);
    } else if (verdict.kind === 'end') {
      this.#host.end(thread, verdict.error);
    }
    return verdict.kind === 'end';
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
    const asked = this.#host.threads().map(async ([index, host]) => [index, await this.#memoryOf(host)] as const);
    const threads = await Promise.all(asked);
    this.#isAsking = false;
    if (this.#stopped) {
      return;
    }
    const ended = threads.filter(([thread, memory]) => memory !== UNKNOWN && this.#isEnded(thread, memory, false));
    const residentBytes = this.#options.residentBytes();
    const largest = this.#guard.largest(threads, residentBytes);
    const nowMs = this.#host.clock.monotonic();
    if (ended.length > 0) {
      this.#endedUntilMs = nowMs + SHRINK_MS;
    } else if (largest !== undefined && nowMs >= this.#endedUntilMs) {
      this.#endedUntilMs = nowMs + SHRINK_MS;
      const [thread, memory] = largest;
      this.#host.end(thread, this.#guard.processIsFull(thread, memory, residentBytes));
    }
  }

  async #memoryOf(host: ThreadHost): Promise<ThreadMemory> {
    let timer: TimerHandle | undefined;
    const timeout = new Promise<ThreadMemory>((resolve) => {
      timer = this.#host.clock.after(ANSWER_MS, () => resolve(UNKNOWN));
    });
    const answer = host.memory?.().catch(() => NOTHING) ?? Promise.resolve(NOTHING);
    const memory = await Promise.race([answer, timeout]);
    timer?.cancel();
    return memory;
  }
}
