import type { MultiOperation } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import type { Disk } from '../../../src/foundation/filesystem/disk/disk.ts';
import type { Accepted } from '../zookeeper/ensemble.ts';
import type { Tree } from '../zookeeper/tree.ts';
import type { StoreEvents, StoreOfWorld } from './store-of-world.ts';
import { ShadowedRecords } from './shadowed-records.ts';
import { ZOOKEEPER_ROOT as ROOT } from './zookeeper-of-world.ts';

const RECORD = new RegExp(`^${ROOT}/((?:execution-plans|jobs|results|locks)/.+)$`);
const EPOCH = `${ROOT}/leader/epoch`;
const LATCHES = `${ROOT}/leader/latch`;

interface Grant {
  readonly epoch: number;
  readonly latch: string;
}

/** The ensemble's tree, change by change, by rules of its own: who may make it, and what becomes of it. */
export class ZooKeeperShadow extends ShadowedRecords implements StoreOfWorld {
  readonly #events: StoreEvents;
  #leader: StoreOfWorld['leader'];

  constructor(disk: Disk, events: StoreEvents) {
    super(disk, events);
    this.#events = events;
  }

  get leader(): StoreOfWorld['leader'] {
    return this.#leader;
  }

  /** The ensemble is elsewhere: neither the world's disk nor its power is its own. */
  linked(): Promise<void> {
    return Promise.resolve();
  }

  lostEntries(): Promise<void> {
    return Promise.resolve();
  }

  /** The ensemble has accepted a write. */
  accepted(accepted: Accepted): void {
    const { deltas, before, after } = accepted;
    const changed = [...new Set(deltas.map(({ path }) => path))].filter((path) => before.get(path) !== after.get(path));
    const keys = changed.flatMap((path) => {
      const key = RECORD.exec(path)?.[1];
      // Folders are no records.
      const isRecord = [before, after].some((tree) => (tree.get(path)?.data.length ?? 0) > 0);
      return key !== undefined && isRecord ? [key] : [];
    });
    if (keys.length > 0) {
      this.#requireLeader(accepted, keys);
      keys.forEach((key) => this.change(key, textAt(after, `${ROOT}/${key}`)));
    }
    if (changed.includes(EPOCH)) {
      this.#grant(accepted);
    }
    this.#leader = leaderIn(after);
  }

  /** I1: whoever owns the first place of the queue, under the newest grant, and says so in the same operation. */
  #requireLeader({ session, operations, before }: Accepted, keys: readonly string[]): void {
    const [head] = queueIn(before);
    const grant = grantIn(before);
    const what = `a change of ${keys.join(', ')} by session ${session}`;
    if (head === undefined || before.get(head)?.owner !== session) {
      this.#events.differs(`${what} counts, and it does not own the first place in the queue`);
    } else if (grant?.latch !== head.slice(LATCHES.length + 1)) {
      this.#events.differs(`${what} counts, and epoch ${grant?.epoch} was granted to another`);
    } else if (!isChecked(operations, head) || !isChecked(operations, EPOCH)) {
      this.#events.differs(`${what} counts, and it did not check its leadership`);
    }
  }

  /** I5: epochs only grow, and only the first in the queue is granted one; the leader before may lose its place in the same operation. */
  #grant({ session, before, after }: Accepted): void {
    const [old, next] = [grantIn(before), grantIn(after)];
    if (old === undefined || next === undefined) {
      return;
    }
    const isEnded = (latch: string): boolean => latch.endsWith(`/${old.latch}`) && after.get(latch) === undefined;
    const head = queueIn(before).find((latch) => !isEnded(latch));
    if (next.epoch <= old.epoch) {
      this.#events.differs(`epoch ${next.epoch} is granted after ${old.epoch}`);
    }
    if (head === undefined || before.get(head)?.owner !== session || !head.endsWith(`/${next.latch}`)) {
      this.#events.differs(`epoch ${next.epoch} is granted to ${next.latch}, which is not the first in the queue`);
    }
  }
}

/** Paths of the latch nodes, the first one first. */
const queueIn = (tree: Tree): readonly string[] =>
  tree
    .paths(LATCHES)
    .slice(1)
    .toSorted((one, other) => (one.slice(-10) < other.slice(-10) ? -1 : 1));

const textAt = (tree: Tree, path: string): string | undefined => {
  const data = tree.get(path)?.data;
  return data === undefined ? undefined : Buffer.from(data).toString();
};

const grantIn = (tree: Tree): Grant | undefined => {
  const text = textAt(tree, EPOCH);
  return text === undefined ? undefined : (JSON.parse(text) as Grant);
};

const leaderIn = (tree: Tree): StoreOfWorld['leader'] => {
  const grant = grantIn(tree);
  const latch = grant === undefined ? undefined : textAt(tree, `${LATCHES}/${grant.latch}`);
  if (grant === undefined || grant.latch === '' || latch === undefined) {
    return undefined;
  }
  const { instanceId } = JSON.parse(latch) as { instanceId: string };
  return { epoch: grant.epoch, instanceId };
};

const isChecked = (operations: readonly MultiOperation[], path: string): boolean =>
  operations.some((one) => one.kind === 'check' && one.path === path && one.version !== -1);
