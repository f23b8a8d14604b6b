import { assert } from '../../foundation/common/assert.ts';
import type { Clock } from '../../foundation/common/clock.ts';
import { errorInfo, MillraceError } from '../../foundation/common/errors.ts';
import type { Leadership } from '../leadership.ts';
import type { RecordChange, RecordStore, StoredRecord, TransactionOutcome } from '../records/record-store.ts';
import type { Subscription } from '../subscription.ts';
import type { MultiOutcome, ZooKeeperClient } from './client/zookeeper-client.ts';
import { ZooKeeperError } from './client/zookeeper-error.ts';
import { KeyedOrder } from './keyed-order.ts';
import { KnownRecords } from './known-records.ts';
import { isSameClaim, leadershipChecks, type LeaderClaim } from './leader-claim.ts';
import { replaced } from './leader-folder.ts';
import { decodeNode, epochSchema } from './leader-nodes.ts';
import { planChanges } from './record-changes.ts';
import { listRecords, readRecord } from './record-nodes.ts';
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
  /** Claims under which something was sent whose outcome is not known (R2). */
  #undecided: readonly LeaderClaim[] = [];
  #known: { readonly claim: LeaderClaim; readonly records: KnownRecords } | undefined;

  constructor(options: ZooKeeperRecordStoreOptions) {
    this.#options = options;
  }

  get(key: string): Promise<StoredRecord | undefined> {
    return this.#newest((client) => readRecord(client, this.#options.paths, key));
  }

  list(prefix: string): Promise<readonly StoredRecord[]> {
    return this.#newest((client) => listRecords(client, this.#options.paths, folderOf(prefix)));
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

  /** What the leader knows without asking for anything newer than its session has seen; `undefined`: it has to ask. */
  knownUnder(leadership: Leadership): KnownRecords | undefined {
    const claim = this.#undecided.length > 0 ? undefined : this.#options.election.claimOf(leadership);
    return claim && this.#knownOf(claim);
  }

  /** A read that sees what anybody was answered before it. */
  async #newest<T>(read: (client: ZooKeeperClient) => Promise<T>): Promise<T> {
    const { keeper, paths, lineage } = this.#options;
    const { client } = keeper;
    return storeCall(async () => {
      const [, epoch, value] = await together(client.sync(paths.root), ifThere(client.get(paths.epoch)), read(client));
      const found = epoch && decodeNode(epochSchema, epoch.data, paths.epoch).lineage;
      if (found !== lineage) {
        throw replaced(paths.root, lineage, found);
      }
      return value;
    });
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
      const checks = leadershipChecks(claim, paths);
      const operations = planned.conflict === undefined ? planned.operations : [];
      const sentAtMs = clock.monotonic();
      const outcome = await this.#send(claim, [...checks, ...operations]);
      if (outcome.ok) {
        election.answered(claim.epoch, sentAtMs);
        known.wrote(operations, outcome.results.slice(checks.length));
        return planned.conflict === undefined ? WRITTEN : { outcome: 'conflict', key: planned.conflict };
      }
      if (outcome.index < checks.length) {
        election.refused();
        return { outcome: 'leadership-lost' };
      }
      // Somebody else was at work, by hand perhaps.
      this.#known = undefined;
      if (!isOutdated(outcome.error)) {
        throw outcome.error;
      }
    }
    throw new MillraceError('STORE_AWAY', 'records changed again and again while they were being changed', {
      retryable: true,
    });
  }

  #knownOf(claim: LeaderClaim): KnownRecords {
    if (this.#known === undefined || !isSameClaim(this.#known.claim, claim)) {
      this.#known = { claim, records: new KnownRecords(claim.client, this.#options.paths) };
    }
    return this.#known.records;
  }

  /** Whatever does not prove that nothing was written leaves it open. */
  async #send(claim: LeaderClaim, operations: Parameters<ZooKeeperClient['multi']>[0]): Promise<MultiOutcome> {
    try {
      return await claim.client.multi(operations);
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
