import type { Transaction } from '../../../src/coordination/embedded/log-entry.ts';
import { decodeLogEntry, type LogEntry } from '../../../src/coordination/embedded/log-entry.ts';
import type { RecordChange } from '../../../src/coordination/records/record-store.ts';
import type { Disk } from '../../../src/foundation/filesystem/disk/disk.ts';

const ENTRY = /\/log\/(\d{20})$/;
const POINTER = /^jobs\/([0-9a-f]{32})\/checkpoints\/(\d{19})$/;

interface Record {
  readonly value: string;
  readonly version: number;
}

/** What the store's files amount to, read again from the disk by rules of its own: what is true, whatever processes believe. */
export class StoreShadow {
  readonly #disk: Disk;
  readonly #waiting = new Map<number, LogEntry>();
  readonly #records = new Map<string, Record>();
  readonly #everPointedTo = new Map<string, Set<number>>();
  #number = 0;
  #revision = 0;
  #epoch = 0;
  #leads: { epoch: number; instanceId: string; sign: number } | undefined;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** The highest epoch that was granted. */
  get epoch(): number {
    return this.#epoch;
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

  pointer(job: string, id: number): { readonly metadataPath: string; readonly baseFolder: string } | undefined {
    const record = this.#records.get(`jobs/${job}/checkpoints/${String(id).padStart(19, '0')}`);
    return record === undefined ? undefined : JSON.parse(record.value);
  }

  wasPointedTo(job: string, id: number): boolean {
    return this.#everPointedTo.get(job)?.has(id) === true;
  }

  /** The highest checkpoint id that the store has given out. */
  lastId(job: string): number {
    const record = this.#records.get(`jobs/${job}/checkpoint_id_counter`);
    return record === undefined ? 0 : (JSON.parse(record.value) as { last: number }).last;
  }

  has(key: string): boolean {
    return this.#records.has(key);
  }

  get keys(): readonly string[] {
    return [...this.#records.keys()].sort();
  }

  /** A file has got this name. */
  async linked(path: string): Promise<void> {
    const number = Number(ENTRY.exec(path)?.[1]);
    if (number > this.#number) {
      const file = await this.#disk.open(path, 'read');
      const bytes = new Uint8Array((await file.stat()).sizeBytes);
      await file.read(bytes, 0);
      this.#waiting.set(number, decodeLogEntry(bytes, path));
      this.#catchUp();
    }
  }

  #catchUp(): void {
    for (let entry = this.#next(); entry !== undefined; entry = this.#next()) {
      this.#number++;
      entry.transactions.forEach((transaction) => this.#apply(transaction));
    }
  }

  #next(): LogEntry | undefined {
    const entry = this.#waiting.get(this.#number + 1);
    this.#waiting.delete(this.#number + 1);
    return entry;
  }

  #apply(transaction: Transaction): void {
    switch (transaction.kind) {
      case 'queue':
      case 'drop':
      case 'nothing':
        return;
      case 'leave':
        this.#leads = this.#leads?.instanceId === transaction.instanceId ? undefined : this.#leads;
        return;
      case 'claim': {
        const { expected, endpoints } = transaction;
        if (expected.epoch === this.#epoch && expected.renewal === (this.#leads?.sign ?? null)) {
          this.#leads = { epoch: ++this.#epoch, instanceId: endpoints.instanceId, sign: this.#number };
        }
        return;
      }
      default:
        if (this.#leads !== undefined && this.#leads.epoch === transaction.epoch) {
          this.#leads.sign = this.#number;
          this.#ofLeader(transaction, this.#leads);
        }
    }
  }

  #ofLeader(
    transaction: Extract<Transaction, { readonly epoch: number }>,
    leads: { epoch: number; readonly instanceId: string },
  ): void {
    if (transaction.kind === 'resign') {
      this.#leads = undefined;
    } else if (transaction.kind === 'raise') {
      this.#epoch = Math.max(this.#epoch, transaction.above) + 1;
      leads.epoch = this.#epoch;
    } else if (transaction.kind === 'change' && transaction.changes.every((change) => this.#isMet(change))) {
      transaction.changes.forEach((change) => this.#change(change));
    }
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
      const [, job, id] = POINTER.exec(change.key) ?? [];
      if (job !== undefined) {
        const ever = this.#everPointedTo.get(job) ?? new Set();
        this.#everPointedTo.set(job, ever.add(Number(id)));
      }
    } else if (change.kind === 'delete') {
      this.#records.delete(change.key);
    } else {
      [...this.#records.keys()]
        .filter((key) => key.startsWith(change.prefix))
        .forEach((key) => this.#records.delete(key));
    }
  }
}
