import { MillraceError } from '../../foundation/common/errors.ts';
import { taskManagerOptions } from '../../foundation/config/options/taskmanager-options.ts';
import type { ThreadMemory } from './thread-protocol.ts';

/**
 * A worker's own heap limit is no protection: an array or a map that grows by more than V8's reserve ends the whole
 * process, and array buffers do not count at all. So threads get a far higher limit from V8, and these are enforced from
 * outside.
 */
export interface MemoryLimits {
  /** Whose limits these are, in messages; task threads when missing. */
  readonly words?: MemoryWords;
  /** JavaScript heap of one thread (`taskmanager.memory.task.heap.size`). */
  readonly heapBytes: number;
  /** Array buffers of one thread (`taskmanager.memory.task.off-heap.size`). */
  readonly offHeapBytes: number;
  /** Everything that the process takes, before the machine has to swap or kill. */
  readonly processBytes: number;
  /** The option that says so; the machine when missing. */
  readonly processKey?: string;
}

export interface MemoryWords {
  /** Such as `task thread 2`. */
  readonly subjectOf: (thread: number) => string;
  readonly heapKey: string;
  readonly offHeapKey: string;
  /** The way out, beside a higher limit. */
  readonly heapAdvice: string;
}

const TASK_THREAD: MemoryWords = {
  subjectOf: (thread) => `task thread ${thread}`,
  heapKey: taskManagerOptions.taskHeap.key,
  offHeapKey: taskManagerOptions.taskOffHeap.key,
  heapAdvice: 'use more threads, or keep less state per key',
};

/** What is to be done about a thread. `collect`: garbage may be counted; it collects and reports again. */
export type MemoryVerdict =
  | { readonly kind: 'fine' }
  | { readonly kind: 'collect' }
  | { readonly kind: 'end'; readonly error: MillraceError };

/** A thread when the whole process takes too much. */
export interface SeenThread {
  readonly thread: number;
  /** Where it has not answered: what it last took. */
  readonly memory: ThreadMemory;
  readonly hasAnswered: boolean;
}

const MIB = 1_048_576;
/** Above twice the limit and this, no collection is waited for: the thread may never get to one. */
const RESERVE_BYTES = 128 * MIB;
const SMALLEST_STEP_BYTES = 16 * MIB;
const LARGEST_STEP_BYTES = 128 * MIB;
/** A full collection stops the thread; one after the other would stop the job. */
const COLLECT_PAUSE_MS = 5_000;
const FINE: MemoryVerdict = { kind: 'fine' };

const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;

/** Decides which thread takes too much memory. Figures in, verdicts out. */
export class MemoryGuard {
  readonly #limits: MemoryLimits;
  readonly #stepBytes: number;
  /** When threads were told to collect (monotonic); until then they are left alone, below the reserve. */
  readonly #collectAgainMs = new Map<number, number>();
  #askedAtBytes = 0;

  constructor(limits: MemoryLimits) {
    this.#limits = limits;
    const smallest = Math.min(limits.heapBytes, limits.offHeapBytes, limits.processBytes);
    this.#stepBytes = Math.min(LARGEST_STEP_BYTES, Math.max(SMALLEST_STEP_BYTES, smallest / 8));
  }

  /** The process has grown so much since the last time that the threads have to be asked now. */
  shouldAsk(residentBytes: number): boolean {
    this.#askedAtBytes = Math.min(this.#askedAtBytes, residentBytes);
    if (residentBytes < this.#askedAtBytes + this.#stepBytes && residentBytes < this.#limits.processBytes) {
      return false;
    }
    this.#askedAtBytes = residentBytes;
    return true;
  }

  /** `collected`: the thread has just collected its garbage. */
  judge(thread: number, memory: ThreadMemory, collected: boolean, nowMs: number): MemoryVerdict {
    const { heapBytes, offHeapBytes } = this.#limits;
    const over = Math.max(excess(memory.heapUsedBytes, heapBytes), excess(memory.arrayBufferBytes, offHeapBytes));
    if (over <= 0) {
      return FINE;
    }
    if (over <= 1 && !collected) {
      if (nowMs < (this.#collectAgainMs.get(thread) ?? 0)) {
        return FINE;
      }
      this.#collectAgainMs.set(thread, nowMs + COLLECT_PAUSE_MS);
      return { kind: 'collect' };
    }
    return { kind: 'end', error: this.#tooMuch(thread, memory) };
  }

  /**
   * The whole process takes too much: the thread that has to go. One that does not even answer is deep in something: it is that one.
   * Else it is the one that takes most, unless all of them together are not what is too much.
   */
  largest<T extends SeenThread>(threads: readonly T[], residentBytes: number): T | undefined {
    const tooMuchBytes = residentBytes - this.#limits.processBytes;
    if (tooMuchBytes < 0) {
      return undefined;
    }
    const silent = threads.filter(({ hasAnswered }) => !hasAnswered);
    const isTheirs = threads.reduce((sum, { memory }) => sum + sizeOf(memory), 0) >= tooMuchBytes;
    const candidates = silent.length > 0 ? silent : isTheirs ? threads : [];
    return candidates.toSorted((a, b) => sizeOf(b.memory) - sizeOf(a.memory))[0];
  }

  /** Why that one has to go: its own limit, if it is above that. */
  processIsFull(thread: number, memory: ThreadMemory, residentBytes: number): MillraceError {
    const { heapBytes, offHeapBytes, processBytes, processKey } = this.#limits;
    if (memory.heapUsedBytes > heapBytes || memory.arrayBufferBytes > offHeapBytes) {
      return this.#tooMuch(thread, memory);
    }
    const [limit, advice] =
      processKey === undefined
        ? [`the machine has no more than ${mib(processBytes)} for it`, 'use a larger machine']
        : [`${processKey} leaves it no more than ${mib(processBytes)}`, 'raise it'];
    return new MillraceError(
      'OUT_OF_MEMORY',
      `task thread ${thread} takes most of the process's ${mib(residentBytes)}, and ${limit}; ${advice}, or hold less in state ` +
        'and buffers',
      { retryable: true },
    );
  }

  /** The thread is gone, another one takes its place. */
  forget(thread: number): void {
    this.#collectAgainMs.delete(thread);
  }

  #tooMuch(thread: number, { heapUsedBytes, arrayBufferBytes }: ThreadMemory): MillraceError {
    const { heapBytes, offHeapBytes, words = TASK_THREAD } = this.#limits;
    const subject = words.subjectOf(thread);
    return heapUsedBytes > heapBytes
      ? new MillraceError(
          'OUT_OF_MEMORY',
          `${subject} ran out of memory: it uses ${mib(heapUsedBytes)} of heap, more than the ` +
            `${mib(heapBytes)} that ${words.heapKey} allows; raise it, ${words.heapAdvice}`,
          { retryable: true },
        )
      : new MillraceError(
          'OUT_OF_MEMORY',
          `${subject} ran out of memory: its array buffers take ${mib(arrayBufferBytes)}, more than the ` +
            `${mib(offHeapBytes)} that ${words.offHeapKey} allows; raise it, or hold less in buffers and typed arrays`,
          { retryable: true },
        );
  }
}

/** Above 0: over the limit; above 1: over the reserve too. */
const excess = (usedBytes: number, limitBytes: number): number =>
  Number.isFinite(limitBytes) ? (usedBytes - limitBytes) / (limitBytes + RESERVE_BYTES) : -1;

const sizeOf = ({ heapUsedBytes, arrayBufferBytes }: ThreadMemory): number => heapUsedBytes + arrayBufferBytes;
