import { dirname } from 'node:path/posix';
import type { Transaction } from '../../../src/coordination/embedded/log-entry.ts';
import { decodeLogEntry, type LogEntry } from '../../../src/coordination/embedded/log-entry.ts';
import { emptyStore, StoreState } from '../../../src/coordination/embedded/store-state.ts';
import type { RecordChange } from '../../../src/coordination/records/record-store.ts';
import type { Disk } from '../../../src/foundation/filesystem/disk/disk.ts';
import type { StoreEvents, StoreOfWorld } from './store-of-world.ts';

const ENTRY = /\/log\/(\d{20})$/;
const COUNTER = /^jobs\/([0-9a-f]{32})\/checkpoint_id_counter$/;
const GRAPH = /^execution-plans\//;
const POINTER = /^jobs\/([0-9a-f]{32})\/checkpoints\/(\d{19})$/;

interface Record {
  readonly value: string;
  readonly version: number;
}

/** What the store's files amount to, read again from the disk by rules of its own: what is true, whatever processes believe. */
export class StoreShadow implements StoreOfWorld {
  readonly #disk: Disk;
  readonly #events: StoreEvents;
  /** What the shipped code makes of the same entries. */
  #shipped: StoreState | undefined;
  readonly #waiting = new Map<number, LogEntry>();
  readonly #entries: LogEntry[] = [];
  readonly #records = new Map<string, Record>();
  readonly #everPointedTo = new Map<string, Set<number>>();
  #folder = '';
  #isReplaying = false;
  readonly #lastIds = new Map<string, number>();
  #number = 0;
  #revision = 0;
  #epoch = 0;
  #leads: { epoch: number; instanceId: string; sign: number } | undefined;

  constructor(disk: Disk, events: StoreEvents) {
    this.#disk = disk;
    this.#events = events;
  }

  get leader(): { readonly epoch: number; readonly instanceId: string } | undefined {
    return this.#leads;
  }

  /** Ids of the checkpoints that the store points to, ascending. */
  pointedTo(job: string): readonly number[] {
    return [...this.#records.keys()]
      .flatMap((key) => {
        const match = POINTER.exec(key);
        return match?.[1] === job ? [Number(match[2])] : [];
      })
      .sort((one, other) => one - other);
  }

  /** A file that the store points to, of a checkpoint, a job graph or a bundle, if it is this path or below it. */
  pointerInto(path: string): string | undefined {
    for (const [key, { value }] of this.#records) {
      const files = POINTER.test(key) ? [fileOf(value)] : GRAPH.test(key) ? filesOfGraph(value) : [];
      const file = files.find((one) => one === path || one.startsWith(`${path}/`));
      if (file !== undefined) {
        return file;
      }
    }
    return undefined;
  }

  wasPointedTo(job: string, id: number): boolean {
    return this.#everPointedTo.get(job)?.has(id) === true;
  }

  /** The highest checkpoint id that the store has ever given out. */
  lastId(job: string): number {
    return this.#lastIds.get(job) ?? 0;
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
  async lostPower(): Promise<void> {
    const names = await this.#disk.readFolder(this.#folder).catch(() => []);
    const newest = Math.max(...names.map((name) => Number(ENTRY.exec(`${this.#folder}/${name}`)?.[1] ?? 0)), 0);
    this.#waiting.clear();
    if (newest === 0 || newest >= this.#number) {
      return;
    }
    const kept = this.#entries.splice(0).slice(0, newest);
    this.#records.clear();
    this.#everPointedTo.clear();
    this.#lastIds.clear();
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
      change.expected === (this.#records.get(change.key)?.version ?? 'absent')
    );
  }

  #change(change: RecordChange): void {
    if (change.kind === 'require') {
      return;
    }
    this.#revision++;
    if (change.kind === 'put') {
      this.#records.set(change.key, { value: change.value, version: this.#revision });
      const counted = COUNTER.exec(change.key)?.[1];
      if (counted !== undefined) {
        const { last } = JSON.parse(change.value) as { last: number };
        this.#lastIds.set(counted, Math.max(last, this.lastId(counted)));
      }
      const [, job, id] = POINTER.exec(change.key) ?? [];
      if (job !== undefined) {
        const ever = this.#everPointedTo.get(job) ?? new Set();
        this.#everPointedTo.set(job, ever.add(Number(id)));
        const file = fileOf(change.value);
        if (!this.#isReplaying) {
          this.#disk.stat(file).catch(() => this.#events.dangling(file));
        }
      }
    } else if (change.kind === 'delete') {
      this.#records.delete(change.key);
      if (POINTER.test(change.key) && !this.#isReplaying) {
        this.#events.unpointed();
      }
    } else {
      [...this.#records.keys()]
        .filter((key) => key.startsWith(change.prefix))
        .forEach((key) => this.#records.delete(key));
    }
  }
}

export const fileOf = (pointer: string): string =>
  (JSON.parse(pointer) as { metadataPath: string }).metadataPath.replace(/^memory:\/\//, '');

export const filesOfGraph = (pointer: string): readonly string[] => {
  const { graphPath, bundlePaths } = JSON.parse(pointer) as { graphPath: string; bundlePaths: readonly string[] };
  return [graphPath, ...bundlePaths].map((path) => path.replace(/^memory:\/\//, ''));
};
