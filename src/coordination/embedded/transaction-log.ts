import type { Clock } from '../../foundation/common/clock.ts';
import { codeOf, errorInfo, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { StoreHealth } from '../high-availability-services.ts';
import { OneAfterTheOther } from '../records/one-after-the-other.ts';
import type { Subscription } from '../subscription.ts';
import type { AppendOutcome, Attempt, Waiting } from './append-outcome.ts';
import type { LogEntry, Transaction } from './log-entry.ts';
import type { LogFolder } from './log-folder.ts';
import { newestSnapshot } from './newest-snapshot.ts';
import { brokenFile } from './store-file.ts';
import type { StoreState, TransactionResult } from './store-state.ts';

export interface TransactionLogOptions {
  readonly folder: LogFolder;
  readonly lineage: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Entries between two snapshots. */
  readonly snapshotInterval: number;
  /** For a process that writes nothing: where an older copy of the folder was put back (R12) it goes on with that one. Others stop. */
  readonly goesBack?: boolean;
}

/** Entries applied between two looks at the snapshots. */
const ENTRIES_AT_ONCE = 256;

/**
 * The log as one process sees it: reads what others wrote, writes its own at the next free number. Reading and writing take
 * turns; transactions that come while a write is on its way share the next entry.
 */
export class TransactionLog {
  readonly #options: TransactionLogOptions;
  readonly #folder: LogFolder;
  readonly #turns = new OneAfterTheOther();
  readonly #listeners = new Set<() => void>();
  #state: StoreState;
  #waiting: Waiting[] = [];
  #refreshing: Promise<void> | undefined;
  #attempt: Attempt | undefined;
  /** Of the entry that was applied last; `undefined`: the state is that of a snapshot whose last entry nobody has looked for, or is gone. */
  #lastId: string | undefined;
  /** What was written at this number is not known: it may still appear there (R2). */
  #undecidedNumber = 0;
  /** Entries up to here survive a loss of power: later ones are read, but whoever wrote them may not have flushed them yet. */
  #durableNumber = 0;
  #snapshotting: Promise<void> = Promise.resolve();
  #health: StoreHealth = { state: 'answers' };
  #isClosed = false;

  private constructor(options: TransactionLogOptions, state: StoreState) {
    this.#options = options;
    this.#folder = options.folder;
    this.#state = state;
  }

  /** Reads the whole store. */
  static async open(options: TransactionLogOptions): Promise<TransactionLog> {
    const { folder } = options;
    const log = new TransactionLog(options, await newestSnapshot(folder, await folder.snapshots()));
    await log.#learnLastId();
    await log.#catchUp();
    const highest = await folder.highestEntry();
    if (highest > log.#state.number) {
      await log.#catchUp();
    }
    if (highest > log.#state.number) {
      throw brokenFile(folder.entryPath(log.#state.number + 1), `it is missing, and entry ${highest} follows`);
    }
    return log;
  }

  /** As last seen. */
  get state(): StoreState {
    return this.#state;
  }

  /** All of `state` is durable, and nothing that this process wrote can still appear. */
  get isSettled(): boolean {
    const { number } = this.#state;
    return number <= this.#durableNumber && this.#undecidedNumber <= number;
  }

  get health(): StoreHealth {
    return this.#health;
  }

  /** Never rejects. Resolves when the outcome is durable. */
  append(transaction: Transaction): Promise<AppendOutcome> {
    return new Promise((resolve) => {
      this.#waiting.push({ transaction, resolve });
      if (this.#waiting.length === 1) {
        void this.#turns.run(() => this.#appendWaiting());
      }
    });
  }

  /**
   * Afterwards `state` has every entry that was in the log when this was called, all of it durable, and nothing that this
   * process wrote before can still appear. Errors: STORE_AWAY, STORE_BROKEN, STORE_REPLACED.
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#turns.run(async () => {
      this.#refreshing = undefined;
      await this.#watched(() => this.#catchUp());
      if (this.#undecidedNumber > this.#state.number) {
        await this.#takeUndecidedNumber();
      }
      // What is read here may be acted on outside (a sink commits): it must not be gone after a loss of power.
      await this.#watched(() => this.#makeDurable());
    });
    return this.#refreshing;
  }

  /** A cheap look whether there is something new; reads it if so. What it finds may not be durable yet. */
  async look(): Promise<void> {
    if (await this.#watched(() => this.#folder.hasEntry(this.#state.number + 1))) {
      await this.#turns.run(() => this.#watched(() => this.#catchUp()));
    }
  }

  /** Calls after each step of the state; what follows quickly is seen as one. */
  watch(changed: () => void): Subscription {
    this.#listeners.add(changed);
    return { end: () => this.#listeners.delete(changed) };
  }

  /** Nothing is written or read afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    await this.#turns.run(() => this.#snapshotting);
  }

  async #appendWaiting(): Promise<void> {
    let batch = this.#waiting;
    this.#waiting = [];
    for (;;) {
      batch = this.#withoutVoid(batch);
      if (batch.length === 0) {
        return;
      }
      const sentAtMs = this.#options.clock.monotonic();
      const transactions = batch.map(({ transaction }) => transaction);
      let results: readonly TransactionResult[] | undefined;
      try {
        results = await this.#watched(() => this.#tryAppend(transactions));
      } catch (error) {
        const undecided: AppendOutcome = { kind: 'undecided', error: errorInfo(error) };
        batch.forEach(({ resolve }) => resolve(undecided));
        return;
      }
      if (results !== undefined) {
        batch.forEach(({ resolve }, index) => resolve({ kind: 'decided', result: results[index]!, sentAtMs }));
        this.#notify();
        return;
      }
    }
  }

  /** Leadership that was lost never comes back: such a change need not be written to know what becomes of it. */
  #withoutVoid(batch: readonly Waiting[]): Waiting[] {
    return batch.filter(({ transaction, resolve }) => {
      const isVoid =
        'epoch' in transaction && transaction.epoch <= this.#state.epoch && !this.#state.leads(transaction.epoch);
      if (isVoid) {
        const sentAtMs = Number.NEGATIVE_INFINITY;
        resolve({ kind: 'decided', result: { kind: 'leadership-lost' }, sentAtMs });
      }
      return !isVoid;
    });
  }

  /** `undefined`: somebody else has taken the number. Rejects when the outcome is not known. */
  async #tryAppend(transactions: readonly Transaction[]): Promise<readonly TransactionResult[] | undefined> {
    this.#requireOpen();
    // Else a loss of power could keep this entry and lose the one before it.
    await this.#makeDurable();
    const number = this.#state.number + 1;
    const entry: LogEntry = { id: this.#options.random.hex(24), lineage: this.#state.lineage, transactions };
    const attempt: Attempt = { entry, results: undefined, isPassedUnseen: false };
    this.#attempt = attempt;
    try {
      await this.#write(number, attempt);
    } finally {
      this.#attempt = undefined;
    }
    if (this.#state.number >= number) {
      return attempt.results;
    }
    const deletedUpTo = await this.#deletedUpTo(number);
    if (number <= deletedUpTo) {
      await this.#readAnew();
      this.#notify();
      throw passedUnseen();
    }
    const results = this.#state.apply(entry);
    this.#lastId = entry.id;
    this.#durableNumber = number;
    this.#snapshotIfDue();
    return results;
  }

  /** Writes the entry, or reads on until its number is taken by this or another one. */
  async #write(number: number, attempt: Attempt): Promise<void> {
    try {
      await this.#folder.writeEntry(number, attempt.entry);
    } catch (error) {
      if (codeOf(error) !== 'FILE_EXISTS') {
        this.#undecidedNumber = number;
      }
      await this.#catchUp();
      if (attempt.results !== undefined) {
        // It is there, whatever the answer was; perhaps not durable yet.
        await this.#folder.syncEntries();
      } else if (this.#state.number < number) {
        throw error;
      } else if (attempt.isPassedUnseen) {
        throw passedUnseen();
      }
    }
  }

  /** Entries up to this number may be gone, or be what a writer that slept put in their place. */
  async #deletedUpTo(undecided: number): Promise<number> {
    try {
      return (await this.#folder.snapshots()).at(-2) ?? 0;
    } catch (error) {
      this.#undecidedNumber = undecided;
      throw error;
    }
  }

  async #makeDurable(): Promise<void> {
    const { number } = this.#state;
    if (number > this.#durableNumber) {
      await this.#folder.syncEntries();
      this.#durableNumber = number;
    }
  }

  async #takeUndecidedNumber(): Promise<void> {
    while (this.#undecidedNumber > this.#state.number) {
      if ((await this.#watched(() => this.#tryAppend([{ kind: 'nothing' }]))) !== undefined) {
        this.#notify();
      }
    }
  }

  async #catchUp(): Promise<void> {
    this.#requireOpen();
    const [state, { number }] = [this.#state, this.#state];
    for (;;) {
      const first = this.#state.number + 1;
      const entries = await this.#readFrom(first);
      // After the reads: an entry counts only if it cannot have been deleted before it was read.
      const snapshots = await this.#folder.snapshots();
      const deletedUpTo = snapshots.at(-2) ?? 0;
      if (first <= deletedUpTo) {
        await this.#readAnew();
        if (this.#attempt !== undefined) {
          this.#attempt.isPassedUnseen = true;
        }
        continue;
      }
      if (this.#options.goesBack === true && !(await this.#goesOnFrom(first - 1, deletedUpTo))) {
        continue;
      }
      if (entries.length === 0 && first - 1 > deletedUpTo && !(await this.#isStillThere(first - 1))) {
        continue;
      }
      entries.forEach((entry) => this.#apply(entry));
      if (entries.length < ENTRIES_AT_ONCE) {
        break;
      }
    }
    if (this.#state !== state || this.#state.number > number) {
      this.#notify();
    }
  }

  async #readFrom(first: number): Promise<readonly LogEntry[]> {
    const entries: LogEntry[] = [];
    while (entries.length < ENTRIES_AT_ONCE) {
      const entry = await this.#folder.readEntry(first + entries.length);
      if (entry === undefined) {
        break;
      }
      entries.push(entry);
    }
    return entries;
  }

  /** The entry that was read last: without it the folder is not the one that it was. `false`: look again. */
  async #isStillThere(number: number): Promise<boolean> {
    if (await this.#folder.hasEntry(number)) {
      return true;
    }
    if (((await this.#folder.snapshots()).at(-2) ?? 0) >= number) {
      return false;
    }
    if (this.#options.goesBack === true) {
      await this.#goBack();
      if (this.#state.number !== number) {
        return false;
      }
    }
    throw brokenFile(this.#folder.entryPath(number), OLDER);
  }

  /** Whether what follows the entry that was read last follows it indeed, and not another one of its number; if not, look again. */
  async #goesOnFrom(number: number, deletedUpTo: number): Promise<boolean> {
    const there = number === 0 ? undefined : await this.#folder.readEntry(number);
    if (there === undefined ? number === 0 || number > deletedUpTo : there.id === this.#lastId) {
      return true;
    }
    if (there === undefined || this.#lastId === undefined) {
      // Nobody can tell any more.
      await this.#readAnew();
    } else {
      await this.#goBack();
    }
    return false;
  }

  async #goBack(): Promise<void> {
    await this.#readAnew();
    this.#durableNumber = 0;
    this.#options.logger.warn(`The HA store at ${this.#folder.path} is an older copy of what it was; it is read anew`);
  }

  async #readAnew(): Promise<void> {
    this.#state = await newestSnapshot(this.#folder, await this.#folder.snapshots());
    await this.#learnLastId();
  }

  /** Of a state that is that of a snapshot: its last entry is kept as long as no two snapshots follow. */
  async #learnLastId(): Promise<void> {
    const isNeeded = this.#options.goesBack === true && this.#state.number > 0;
    this.#lastId = isNeeded ? (await this.#folder.readEntry(this.#state.number))?.id : undefined;
  }

  #apply(entry: LogEntry): void {
    const results = this.#state.apply(entry);
    this.#lastId = entry.id;
    if (this.#attempt?.entry.id === entry.id) {
      this.#attempt.results = results;
    }
  }

  #snapshotIfDue(): void {
    if (this.#state.number % this.#options.snapshotInterval !== 0) {
      return;
    }
    const image = this.#state.image();
    this.#snapshotting = this.#snapshotting.then(async () => {
      try {
        await this.#folder.writeSnapshot(image);
        await this.#folder.collect();
      } catch (error) {
        this.#options.logger.warn(`the HA store could not be compacted, its log grows: ${messageOf(error)}`);
      }
    });
  }

  async #watched<T>(call: () => Promise<T>): Promise<T> {
    try {
      const value = await call();
      this.#health = { state: 'answers' };
      return value;
    } catch (error) {
      this.#health = { state: codeOf(error) === 'STORE_AWAY' ? 'away' : 'broken', error: errorInfo(error) };
      throw error;
    }
  }

  #notify(): void {
    for (const listener of this.#listeners) {
      listener();
    }
  }

  #requireOpen(): void {
    if (this.#isClosed) {
      throw new MillraceError('STORE_AWAY', 'the HA store has been closed by this process');
    }
  }
}

const OLDER = 'it was there and is gone: the folder is older than before';

/** A read decides what became of it: whatever it was, it is in the snapshot or never will be. */
const passedUnseen = (): MillraceError =>
  new MillraceError('STORE_AWAY', 'others wrote two snapshots of the HA store while this process slept', {
    retryable: true,
  });
