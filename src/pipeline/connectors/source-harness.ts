import { setImmediate as nextTurn } from 'node:timers/promises';
import { silentLogger, type Logger } from '../../foundation/common/logger.ts';
import type { EnumeratorDecision, EnumeratorFactory, Source, SourceReader, Split, SplitEnumerator } from './source.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { staticSplitsEnumerator } from './static-splits-enumerator.ts';

export interface Emitted<T> {
  readonly value: T;
  readonly timestamp: number;
}

/** What a checkpoint keeps of a source. */
export interface SourceSnapshot {
  readonly enumerator: unknown;
  readonly readers: readonly (readonly Split[])[];
}

interface DriverOptions {
  readonly parallelism?: number;
  readonly factory?: EnumeratorFactory;
  readonly restored?: SourceSnapshot;
  readonly clock?: ManualClock;
  readonly logger?: Logger;
}

/**
 * Drives enumerator and readers of a source as JobMaster and tasks do, in one thread: each message is plain data, a reader
 * is called until it has nothing, then the event loop turns.
 */
export class SourceHarness<T> {
  readonly clock: ManualClock;
  readonly emitted: Emitted<T>[] = [];
  /** What a reader failed its task with. */
  failure: unknown;
  readonly #source: Source<T>;
  readonly #enumerator: SplitEnumerator;
  readonly #readers: SourceReader<T, Split>[] = [];
  readonly #ended = new Set<number>();
  readonly #logger: Logger;

  constructor(source: Source<T>, options: DriverOptions = {}) {
    this.#source = source;
    this.clock = options.clock ?? new ManualClock();
    this.#logger = options.logger ?? silentLogger;
    const { enumerator, config } = source.plan;
    const factory = options.factory ?? source.behavior.enumerator ?? staticSplitsEnumerator;
    if (factory.kind !== enumerator) {
      throw new Error(`the source wants the enumerator ${enumerator}`);
    }
    const parallelism = options.parallelism ?? 1;
    const { restored } = options;
    this.#enumerator = factory.create(plain(config), parallelism, plain(restored?.enumerator));
    for (let subtask = 0; subtask < parallelism; subtask++) {
      this.#readers.push(this.#createReader(subtask, parallelism));
    }
    const held = (restored?.readers ?? []).flat();
    for (const [subtask, reader] of this.#readers.entries()) {
      const own: Split[] = plain(held.filter((_, index) => index % parallelism === subtask));
      void reader.open();
      if (own.length > 0) {
        reader.addSplits(own);
      }
      this.#apply(this.#enumerator.readerRegistered(subtask, own));
    }
  }

  get values(): readonly T[] {
    return this.emitted.map(({ value }) => value);
  }

  get isEnded(): boolean {
    return this.#ended.size === this.#readers.length;
  }

  async discover(): Promise<void> {
    const splits = (await this.#enumerator.discover?.()) ?? [];
    this.#apply(this.#enumerator.discovered(plain(splits)));
  }

  /** Reads until `until` holds (the end when missing), at most `limit` records at a time. */
  async run(until: () => boolean = () => this.isEnded, limit = 7): Promise<this> {
    for (let turn = 0; turn < 100_000 && !until(); turn++) {
      for (const subtask of this.#readers.keys()) {
        while (this.read(subtask, limit) === 'more' && !until());
        if (until()) {
          break;
        }
      }
      if (this.failure !== undefined) {
        throw this.failure;
      }
      await nextTurn();
    }
    if (!until()) {
      throw new Error('the source does not get there');
    }
    return this;
  }

  /** One call of one reader. */
  read(subtask: number, limit: number): ReturnType<SourceReader<T>['read']> {
    const reader = this.#readers[subtask]!;
    if (this.#ended.has(subtask)) {
      return 'end';
    }
    const output = {
      process: (value: T, timestamp: number) => void this.emitted.push({ value, timestamp }),
      processWatermark: () => {},
      processIdle: () => {},
    };
    const status = reader.read(output, limit);
    if (status === 'end') {
      this.#ended.add(subtask);
    }
    return status;
  }

  snapshot(): SourceSnapshot {
    return plain({
      enumerator: this.#enumerator.snapshot(),
      readers: this.#readers.map((reader) => reader.snapshot()),
    });
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) {
      await reader.close();
    }
  }

  #createReader(subtask: number, parallelism: number): SourceReader<T, Split> {
    return this.#source.behavior.createReader({
      subtask,
      parallelism,
      operatorName: this.#source.name,
      jobName: 'job under test',
      clock: this.clock,
      logger: this.#logger,
      requestSplit: () => queueMicrotask(() => this.#apply(this.#enumerator.splitRequested(subtask))),
      wake: () => {},
      fail: (error) => {
        this.failure ??= error;
      },
    });
  }

  #apply(decision: EnumeratorDecision): void {
    for (const { subtask, splits } of decision.assign ?? []) {
      this.#readers[subtask]!.addSplits(plain(splits));
    }
    for (const subtask of decision.noMoreSplits ?? []) {
      this.#readers[subtask]!.noMoreSplits();
    }
  }
}

const plain = <V>(value: V): V => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as V));
