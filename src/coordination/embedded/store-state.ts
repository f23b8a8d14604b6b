import { unreachable } from '../../foundation/common/assert.ts';
import { RecordMap } from '../records/record-map.ts';
import type { RecordChange, StoredRecord } from '../records/record-store.ts';
import type { LeaderEndpoints, LeaderInformation, Leadership } from '../leadership.ts';
import type { ExpectedClaim, LogEntry, Transaction } from './log-entry.ts';

/** Contenders kept in the queue; the one longest without a sign of life goes first. */
const QUEUE_MAX = 64;
/** Suspected leaders that may still turn out to be alive. */
const SUSPECTED_MAX = 16;
/** So long without a false alarm, by the clocks of those who wrote, ends a series of them. */
const FALSE_ALARM_SERIES_MS = 3_600_000;

export interface Claim {
  readonly leadership: Leadership;
  readonly endpoints: LeaderEndpoints;
  readonly isPublished: boolean;
  /** The number of the newest entry with something of this leader in it. */
  readonly renewal: number;
  /** How the claim before it ended. */
  readonly cause: 'vacant' | 'expired' | 'suspected';
}

/** A place in the queue. */
export interface Place {
  readonly endpoints: LeaderEndpoints;
  /** Of the entry that gave it: the lower, the earlier in the queue. */
  readonly since: number;
  /** Of the entry with its newest sign of life. */
  readonly seen: number;
}

export interface FalseAlarms {
  readonly total: number;
  /** Of the current series, for the doubling back-off. */
  readonly inSeries: number;
  readonly newestAtMs: number;
}

/** The state as plain data, for snapshots. */
export interface StoreImage {
  readonly lineage: string;
  readonly number: number;
  readonly epoch: number;
  readonly revision: number;
  readonly claim: Claim | null;
  readonly queue: readonly Place[];
  readonly falseAlarms: FalseAlarms;
  readonly suspected: readonly string[];
  readonly records: readonly StoredRecord[];
}

export type TransactionResult =
  | { readonly kind: 'applied' }
  /** The epoch it was written under does not lead at this place of the log. */
  | { readonly kind: 'leadership-lost' }
  | { readonly kind: 'conflict'; readonly key: string }
  /** A claim or drop that meant another state than the one it met. */
  | { readonly kind: 'outdated' };

const APPLIED: TransactionResult = { kind: 'applied' };
const LOST: TransactionResult = { kind: 'leadership-lost' };
const OUTDATED: TransactionResult = { kind: 'outdated' };

export const emptyStore = (lineage: string): StoreImage => ({
  lineage,
  number: 0,
  epoch: 0,
  revision: 0,
  claim: null,
  queue: [],
  falseAlarms: { total: 0, inSeries: 0, newestAtMs: 0 },
  suspected: [],
  records: [],
});

/**
 * What the log amounts to, up to one number. A pure function of the entries: every process that has read the same ones is in
 * the same state, and so agrees about which transactions count.
 */
export class StoreState {
  readonly lineage: string;
  #number: number;
  #epoch: number;
  #claim: Claim | undefined;
  #queue: readonly Place[];
  #falseAlarms: FalseAlarms;
  #suspected: readonly string[];
  readonly #records: RecordMap;

  constructor(image: StoreImage) {
    this.lineage = image.lineage;
    this.#number = image.number;
    this.#epoch = image.epoch;
    this.#claim = image.claim ?? undefined;
    this.#queue = image.queue;
    this.#falseAlarms = image.falseAlarms;
    this.#suspected = image.suspected;
    this.#records = new RecordMap(image.records, image.revision);
  }

  /** Of the newest entry that is in here. */
  get number(): number {
    return this.#number;
  }

  /** The highest ever granted; 0 before the first grant. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Raised by each change of a record. */
  get revision(): number {
    return this.#records.revision;
  }

  get claim(): Claim | undefined {
    return this.#claim;
  }

  /** In order. */
  get queue(): readonly Place[] {
    return this.#queue;
  }

  get falseAlarms(): FalseAlarms {
    return this.#falseAlarms;
  }

  get leader(): LeaderInformation | undefined {
    return this.#claim === undefined
      ? undefined
      : {
          leadership: this.#claim.leadership,
          endpoints: this.#claim.endpoints,
          isPublished: this.#claim.isPublished,
          falseAlarms: this.#falseAlarms.total,
        };
  }

  get expectedClaim(): ExpectedClaim {
    return { epoch: this.#epoch, renewal: this.#claim?.renewal ?? null };
  }

  leads(epoch: number): boolean {
    return this.#claim?.leadership.epoch === epoch;
  }

  get(key: string): StoredRecord | undefined {
    return this.#records.get(key);
  }

  /** Ascending by key. */
  list(prefix: string): readonly StoredRecord[] {
    return this.#records.list(prefix);
  }

  image(): StoreImage {
    return {
      lineage: this.lineage,
      number: this.#number,
      epoch: this.#epoch,
      revision: this.#records.revision,
      claim: this.#claim ?? null,
      queue: this.#queue,
      falseAlarms: this.#falseAlarms,
      suspected: this.#suspected,
      records: this.list(''),
    };
  }

  /** The next entry; what came of each of its transactions. An entry of another lineage takes a number and changes nothing. */
  apply(entry: LogEntry): readonly TransactionResult[] {
    this.#number++;
    return entry.transactions.map((transaction) =>
      entry.lineage === this.lineage ? this.#apply(transaction) : OUTDATED,
    );
  }

  #apply(transaction: Transaction): TransactionResult {
    switch (transaction.kind) {
      case 'queue':
        return this.#enqueue(transaction.endpoints, transaction.atMs);
      case 'leave':
        return this.#leave(transaction.instanceId);
      case 'drop':
        return this.#drop(transaction.instanceId, transaction.seen);
      case 'claim':
        return this.#grant(transaction);
      case 'nothing':
        return APPLIED;
      default:
        return this.#applyOfLeader(transaction);
    }
  }

  #applyOfLeader(transaction: Extract<Transaction, { readonly epoch: number }>): TransactionResult {
    const claim = this.#claim;
    if (claim?.leadership.epoch !== transaction.epoch) {
      return LOST;
    }
    const alive: Claim = { ...claim, renewal: this.#number };
    this.#claim = alive;
    switch (transaction.kind) {
      case 'renew':
        return APPLIED;
      case 'publish':
        this.#claim = { ...alive, isPublished: true };
        return APPLIED;
      case 'resign':
        this.#claim = undefined;
        return APPLIED;
      case 'raise': {
        this.#epoch = Math.max(this.#epoch, transaction.above) + 1;
        const { sessionId, atMs } = transaction;
        const leadership = { lineage: this.lineage, epoch: this.#epoch, sessionId, grantedAtMs: atMs };
        this.#claim = { ...alive, leadership, isPublished: false };
        return APPLIED;
      }
      case 'change':
        return this.#change(transaction.changes);
      default:
        return unreachable(transaction, 'transaction');
    }
  }

  #grant(claim: Transaction & { readonly kind: 'claim' }): TransactionResult {
    const { expected, endpoints, sessionId, atMs } = claim;
    const now = this.expectedClaim;
    if (expected.epoch !== now.epoch || expected.renewal !== now.renewal) {
      return OUTDATED;
    }
    if (claim.cause === 'suspected' && this.#claim !== undefined) {
      this.#suspected = [...this.#suspected, this.#claim.endpoints.instanceId].slice(-SUSPECTED_MAX);
    }
    this.#epoch++;
    this.#claim = {
      leadership: { lineage: this.lineage, epoch: this.#epoch, sessionId, grantedAtMs: atMs },
      endpoints,
      isPublished: false,
      renewal: this.#number,
      cause: claim.cause,
    };
    // Who stood before it and did not act is dead, or queues again.
    const own = this.#place(endpoints.instanceId)?.since ?? 0;
    this.#queue = this.#queue.filter(({ since }) => since > own);
    return APPLIED;
  }

  #enqueue(endpoints: LeaderEndpoints, atMs: number): TransactionResult {
    const { instanceId } = endpoints;
    if (this.#suspected.includes(instanceId)) {
      this.#suspected = this.#suspected.filter((other) => other !== instanceId);
      const { total, inSeries, newestAtMs } = this.#falseAlarms;
      const goesOn = atMs - newestAtMs < FALSE_ALARM_SERIES_MS;
      this.#falseAlarms = { total: total + 1, inSeries: goesOn ? inSeries + 1 : 1, newestAtMs: atMs };
    }
    if (this.#claim?.endpoints.instanceId === instanceId) {
      return APPLIED;
    }
    const since = this.#place(instanceId)?.since ?? this.#number;
    const others = this.#queue.filter((place) => place.endpoints.instanceId !== instanceId);
    const queue = [...others, { endpoints, since, seen: this.#number }].sort((a, b) => a.since - b.since);
    const oldest = Math.min(...queue.map(({ seen }) => seen));
    this.#queue = queue.length > QUEUE_MAX ? queue.filter(({ seen }) => seen !== oldest) : queue;
    return APPLIED;
  }

  #leave(instanceId: string): TransactionResult {
    if (this.#claim?.endpoints.instanceId === instanceId) {
      this.#claim = undefined;
    }
    this.#queue = this.#queue.filter((place) => place.endpoints.instanceId !== instanceId);
    return APPLIED;
  }

  #drop(instanceId: string, seen: number): TransactionResult {
    if (this.#place(instanceId)?.seen !== seen) {
      return OUTDATED;
    }
    this.#queue = this.#queue.filter((place) => place.endpoints.instanceId !== instanceId);
    return APPLIED;
  }

  #place(instanceId: string): Place | undefined {
    return this.#queue.find((place) => place.endpoints.instanceId === instanceId);
  }

  #change(changes: readonly RecordChange[]): TransactionResult {
    const key = this.#records.change(changes);
    return key === undefined ? APPLIED : { kind: 'conflict', key };
  }
}
