import { assert } from '../../foundation/common/assert.ts';
import type { Clock } from '../../foundation/common/clock.ts';
import { errorInfo, MillraceError } from '../../foundation/common/errors.ts';
import type { Leadership } from '../leadership.ts';
import type { RecordChange, RecordStore, StoredRecord, TransactionOutcome } from '../records/record-store.ts';
import type { Subscription } from '../subscription.ts';
import type { MultiOperation, ZooKeeperClient } from './client/zookeeper-client.ts';
import { ZooKeeperError } from './client/zookeeper-error.ts';
import { GroupedReads } from './grouped-reads.ts';
import { GroupedWrites, type WriteOutcome } from './grouped-writes.ts';
import { KeyedOrder } from './keyed-order.ts';
import { KnownRecords } from './known-records.ts';
import { isSameClaim, type LeaderClaim } from './leader-claim.ts';
import { replaced } from './leader-folder.ts';
import { decodeNode, epochSchema } from './leader-nodes.ts';
import { planChanges } from './record-changes.ts';
import { listRecords, readRecord } from './record-nodes.ts';
import { SeenRecords } from './seen-records.ts';
import type { SessionKeeper } from './session-keeper.ts';
import { ifThere, storeCall, storeError, together } from './store-call.ts';
import type { StorePaths } from './store-paths.ts';
import { WatchedFolder } from './watched-folder.ts';
import type { ZooKeeperElection } from './zookeeper-election.ts';

export interface ZooKeeperRecordStoreOptions {
  readonly keeper: SessionKeeper;
  readonly paths: StorePaths;
  readonly lineage: string;
  readonly clock: Clock;
  readonly election: Pick<ZooKeeperElection, 'claimOf' | 'answered' | 'refused'>;
}

/** So often a transaction is planned anew that met other nodes than were there when it was planned. */
const ATTEMPTS = 10;
const WRITTEN: TransactionOutcome = { outcome: 'written' };

/** Records as nodes: `<root>/<key>`. A transaction is one multi that begins with the checks of leadership (I1). */
export class ZooKeeperRecordStore implements RecordStore {
  readonly #options: ZooKeeperRecordStoreOptions;
  readonly #order = new KeyedOrder();
  readonly #writes: GroupedWrites;
  readonly #seen = new SeenRecords();
  /** On the newest session that was read on. */
  #reads: GroupedReads | undefined;
  /** Asked for in this turn, and not sent yet. */
  #check: { readonly reads: GroupedReads; readonly passed: Promise<void> } | undefined;
  /** Claims under which something was sent whose outcome is not known (R2). */
  #undecided: readonly LeaderClaim[] = [];
  #known: { readonly claim: LeaderClaim; readonly records: KnownRecords } | undefined;

  constructor(options: ZooKeeperRecordStoreOptions) {
    this.#options = options;
    this.#writes = new GroupedWrites(options.paths);
  }

  get(key: string): Promise<StoredRecord | undefined> {
    return this.#newest((reads) => readRecord(reads, this.#options.paths, this.#seen, key));
  }

  list(prefix: string): Promise<readonly StoredRecord[]> {
    return this.#newest((reads) => listRecords(reads, this.#options.paths, this.#seen, folderOf(prefix)));
  }

  transact(leadership: Leadership, changes: readonly RecordChange[]): Promise<TransactionOutcome> {
    return this.#order.run([...new Set(changes.map(scopeOf))], async () => {
      try {
        return await this.#transact(leadership, changes);
      } catch (error) {
        return { outcome: 'undecided', error: errorInfo(storeError(error)) };
      }
    });
  }

  async settle(): Promise<void> {
    const undecided = this.#undecided;
    if (undecided.length > 0) {
      await storeCall(() => this.#decide(undecided));
      this.#undecided = this.#undecided.filter((claim) => !undecided.includes(claim));
    }
  }

  watch(changed: () => void): Subscription {
    const { keeper, paths, clock } = this.#options;
    const folders = paths.recordFolders.map((path) => new WatchedFolder(keeper, path, clock, changed));
    return { end: () => folders.forEach((folder) => folder.end()) };
  }

  /** A new leader asks for most of what there is: it is on its way before that. */
  begin(leadership: Leadership): void {
    this.knownUnder(leadership)
      ?.load()
      .catch(() => undefined);
  }

  /** What the leader knows without asking for anything newer than its session has seen; `undefined`: it has to ask. */
  knownUnder(leadership: Leadership): KnownRecords | undefined {
    const claim = this.#undecided.length > 0 ? undefined : this.#options.election.claimOf(leadership);
    return claim && this.#knownOf(claim);
  }

  /** A read that sees what anybody was answered before it. */
  async #newest<T>(read: (reads: GroupedReads) => Promise<T>): Promise<T> {
    const reads = this.#readsOn(this.#options.keeper.client);
    return storeCall(async () => {
      await this.#checked(reads);
      return read(reads);
    });
  }

  /** What is read on this session afterwards is not stale, and of this store. Calls of one turn share it; it is sent after them. */
  #checked(reads: GroupedReads): Promise<void> {
    if (this.#check?.reads !== reads) {
      this.#check = { reads, passed: Promise.resolve().then(() => this.#sync(reads)) };
    }
    return this.#check.passed;
  }

  async #sync(reads: GroupedReads): Promise<void> {
    const { paths, lineage } = this.#options;
    this.#check = undefined;
    const [, epoch] = await together(reads.client.sync(paths.root), reads.get(paths.epoch));
    const found = epoch && decodeNode(epochSchema, epoch.data, paths.epoch).lineage;
    if (found !== lineage) {
      throw replaced(paths.root, lineage, found);
    }
  }

  #readsOn(client: ZooKeeperClient): GroupedReads {
    if (this.#reads?.client !== client) {
      this.#reads = new GroupedReads(client);
    }
    return this.#reads;
  }

  async #transact(leadership: Leadership, changes: readonly RecordChange[]): Promise<TransactionOutcome> {
    const { election, paths, clock } = this.#options;
    for (let left = ATTEMPTS; left > 0; left--) {
      const claim = election.claimOf(leadership);
      if (claim === undefined) {
        return { outcome: 'leadership-lost' };
      }
      await this.settle();
      const known = this.#knownOf(claim);
      const planned = planChanges(paths, await known.nodesFor(changes), changes);
      if (known !== this.#known?.records) {
        continue;
      }
      const operations = planned.conflict === undefined ? planned.operations : [];
      const sentAtMs = clock.monotonic();
      const written = await this.#send(claim, operations);
      if (written.outcome === 'written') {
        election.answered(claim.epoch, sentAtMs);
        known.wrote(operations, written.results);
        return planned.conflict === undefined ? WRITTEN : { outcome: 'conflict', key: planned.conflict };
      }
      if (written.outcome === 'refused') {
        election.refused();
        return { outcome: 'leadership-lost' };
      }
      // Somebody else was at work, by hand perhaps.
      this.#known = undefined;
      if (!isOutdated(written.error)) {
        throw written.error;
      }
    }
    throw new MillraceError('STORE_AWAY', 'records changed again and again while they were being changed', {
      retryable: true,
    });
  }

  #knownOf(claim: LeaderClaim): KnownRecords {
    if (this.#known === undefined || !isSameClaim(this.#known.claim, claim)) {
      const records = new KnownRecords(this.#readsOn(claim.client), this.#options.paths, this.#seen);
      this.#known = { claim, records };
    }
    return this.#known.records;
  }

  /** Whatever does not prove that nothing was written leaves it open. */
  async #send(claim: LeaderClaim, operations: readonly MultiOperation[]): Promise<WriteOutcome> {
    try {
      return await this.#writes.write(claim, operations);
    } catch (error) {
      if (!(error instanceof ZooKeeperError) || error.mayHaveHappened) {
        this.#undecided = [...this.#undecided, claim];
        this.#known = undefined;
      }
      throw error;
    }
  }

  /**
   * On the session that it was sent on, a sync comes after it, over a new connection too. Where that session is over its latch node
   * is; where that is not known (see `SessionKeeper`), the node is deleted: without it nothing more is accepted from there.
   */
  async #decide(undecided: readonly LeaderClaim[]): Promise<void> {
    const { client } = this.#options.keeper;
    const latches = new Set(undecided.filter((claim) => claim.client !== client).map(({ latchPath }) => latchPath));
    await together(...[...latches].map((path) => ifThere(client.delete(path))), client.sync(this.#options.paths.root));
  }
}

/** Transactions that share it wait for each other: the first two parts of their keys, `jobs/<id>`. */
const scopeOf = (change: RecordChange): string =>
  (change.kind === 'delete-all' ? change.prefix : change.key).split('/').slice(0, 2).join('/');

const folderOf = (prefix: string): string => {
  assert(prefix.endsWith('/'), `${prefix} is no folder of records`);
  return prefix.slice(0, -1);
};

/** What was planned does not fit what is there any more. */
const isOutdated = ({ code }: ZooKeeperError): boolean =>
  code === 'NO_NODE' || code === 'NODE_EXISTS' || code === 'BAD_VERSION' || code === 'NOT_EMPTY';
