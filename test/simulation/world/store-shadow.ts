import { dirname } from 'node:path/posix';
import type { Transaction } from '../../../src/coordination/embedded/log-entry.ts';
import { decodeLogEntry, type LogEntry } from '../../../src/coordination/embedded/log-entry.ts';
import { emptyStore, StoreState } from '../../../src/coordination/embedded/store-state.ts';
import type { RecordChange } from '../../../src/coordination/records/record-store.ts';
import type { Disk } from '../../../src/foundation/filesystem/disk/disk.ts';
import { ShadowedRecords } from './shadowed-records.ts';
import type { StoreEvents, StoreOfWorld } from './store-of-world.ts';

const ENTRY = /\/log\/(\d{20})$/;

/** What the store's files amount to, read again from the disk by rules of its own: what is true, whatever processes believe. */
export class StoreShadow extends ShadowedRecords implements StoreOfWorld {
  readonly #disk: Disk;
  readonly #events: StoreEvents;
  /** What the shipped code makes of the same entries. */
  #shipped: StoreState | undefined;
  readonly #waiting = new Map<number, LogEntry>();
  readonly #entries: LogEntry[] = [];
  /** Of records that are there: the change that wrote them. */
  readonly #versions = new Map<string, number>();
  #folder = '';
  #isReplaying = false;
  #number = 0;
  #revision = 0;
  #epoch = 0;
  #leads: { epoch: number; instanceId: string; sign: number } | undefined;

  constructor(disk: Disk, events: StoreEvents) {
    super(disk, events);
    this.#disk = disk;
    this.#events = events;
  }

  get leader(): { readonly epoch: number; readonly instanceId: string } | undefined {
    return this.#leads;
  }

  /** A file has got this name. */
  async linked(path: string): Promise<void> {
    const number = Number(ENTRY.exec(path)?.[1]);
    if (number > this.#number) {
      this.#folder = dirname(path);
      const file = await this.#disk.open(path, 'read');
      const bytes = new Uint8Array((await file.stat()).sizeBytes);
      await file.read(bytes, 0);
      this.#waiting.set(number, decodeLogEntry(bytes, path));
      this.#catchUp();
    }
  }

  /** What was not flushed is gone, and has never been. */
  async lostEntries(): Promise<void> {
    const names = await this.#disk.readFolder(this.#folder).catch(() => []);
    const newest = Math.max(...names.map((name) => Number(ENTRY.exec(`${this.#folder}/${name}`)?.[1] ?? 0)), 0);
    this.#waiting.clear();
    if (newest === 0 || newest >= this.#number) {
      return;
    }
    const kept = this.#entries.splice(0).slice(0, newest);
    this.forget();
    this.#versions.clear();
    [this.#number, this.#revision, this.#epoch] = [0, 0, 0];
    this.#leads = undefined;
    this.#shipped = undefined;
    this.#isReplaying = true;
    kept.forEach((entry) => this.#take(entry));
    this.#isReplaying = false;
  }

  #catchUp(): void {
    for (let entry = this.#next(); entry !== undefined; entry = this.#next()) {
      this.#take(entry);
    }
  }

  #take(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#number++;
    this.#shipped ??= new StoreState(emptyStore(entry.lineage));
    const results = this.#shipped.apply(entry);
    entry.transactions.forEach((transaction, index) => {
      const isTaken = results[index]?.kind === 'applied';
      if (this.#apply(transaction) === !isTaken && !this.#isReplaying) {
        const what = `a "${transaction.kind}" of ${'epoch' in transaction ? `epoch ${transaction.epoch}` : 'a standby'}`;
        this.#events.differs(
          `${what} in entry ${this.#number} ${isTaken ? 'counts, and must not' : 'does not count, and must'}`,
        );
      }
    });
  }

  #next(): LogEntry | undefined {
    const entry = this.#waiting.get(this.#number + 1);
    this.#waiting.delete(this.#number + 1);
    return entry;
  }

  /** Whether it counts; `undefined` where nothing depends on it. */
  #apply(transaction: Transaction): boolean | undefined {
    switch (transaction.kind) {
      case 'queue':
      case 'drop':
      case 'nothing':
        return undefined;
      case 'leave':
        this.#leads = this.#leads?.instanceId === transaction.instanceId ? undefined : this.#leads;
        return undefined;
      case 'claim': {
        const { expected, endpoints } = transaction;
        const counts = expected.epoch === this.#epoch && expected.renewal === (this.#leads?.sign ?? null);
        if (counts) {
          this.#leads = { epoch: ++this.#epoch, instanceId: endpoints.instanceId, sign: this.#number };
        }
        return counts;
      }
      default:
        if (this.#leads?.epoch !== transaction.epoch) {
          return false;
        }
        this.#leads.sign = this.#number;
        return this.#ofLeader(transaction, this.#leads);
    }
  }

  #ofLeader(
    transaction: Extract<Transaction, { readonly epoch: number }>,
    leads: { epoch: number; readonly instanceId: string },
  ): boolean {
    if (transaction.kind === 'change' && !transaction.changes.every((change) => this.#isMet(change))) {
      return false;
    }
    if (transaction.kind === 'resign') {
      this.#leads = undefined;
    } else if (transaction.kind === 'raise') {
      this.#epoch = Math.max(this.#epoch, transaction.above) + 1;
      leads.epoch = this.#epoch;
    } else if (transaction.kind === 'change') {
      transaction.changes.forEach((change) => this.#change(change));
    }
    return true;
  }

  #isMet(change: RecordChange): boolean {
    return (
      change.kind === 'delete-all' ||
      change.expected === undefined ||
      change.expected === (this.#versions.get(change.key) ?? 'absent')
    );
  }

  #change(change: RecordChange): void {
    if (change.kind === 'require') {
      return;
    }
    this.#revision++;
    if (change.kind === 'put') {
      this.#versions.set(change.key, this.#revision);
      this.change(change.key, change.value, this.#isReplaying);
    } else if (change.kind === 'delete') {
      this.#delete(change.key);
    } else {
      [...this.#versions.keys()].filter((key) => key.startsWith(change.prefix)).forEach((key) => this.#delete(key));
    }
  }

  #delete(key: string): void {
    this.#versions.delete(key);
    this.change(key, undefined, this.#isReplaying);
  }
}
