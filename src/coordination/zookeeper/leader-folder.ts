import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { codeOf, errorInfo, MillraceError } from '../../foundation/common/errors.ts';
import type { StoreHealth } from '../high-availability-services.ts';
import type { LeaderInformation } from '../leadership.ts';
import { OneAfterTheOther } from '../records/one-after-the-other.ts';
import type { Subscription } from '../subscription.ts';
import type { ZooKeeperClient } from './client/zookeeper-client.ts';
import {
  decodeNode,
  epochSchema,
  informationSchema,
  NO_SUSPICIONS,
  suspicionsSchema,
  type EpochNode,
  type InformationNode,
  type SuspicionsNode,
} from './leader-nodes.ts';
import { ifThere, storeError, together } from './store-call.ts';
import type { SessionKeeper } from './session-keeper.ts';
import type { StorePaths } from './store-paths.ts';
import { WatchedFolder } from './watched-folder.ts';

/** What the nodes about leadership amount to. Not as of one moment: whatever is decided by it is checked by the write. */
export interface LeaderView {
  /** Of the session that it was read on, as the keeper counts. */
  readonly session: number;
  /** Names, in the order of the queue. */
  readonly latches: readonly string[];
  /** This process's own among them. */
  readonly own: { readonly name: string; readonly version: number } | undefined;
  /** Those of this process that were gone once: an older copy of the ensemble has them again. */
  readonly leftOver: readonly string[];
  readonly epoch: EpochNode;
  readonly epochVersion: number;
  /** Whatever node there is, of whomever. */
  readonly information: InformationNode | undefined;
  readonly suspicions: SuspicionsNode;
  readonly suspicionsVersion: number;
}

export interface LeaderFolderOptions {
  readonly keeper: SessionKeeper;
  readonly paths: StorePaths;
  readonly lineage: string;
  readonly clock: Clock;
}

/** After a look that failed. */
const RETRY_MS = 200;
const SEQUENCE_DIGITS = 10;

/** Reads who leads and who wants to, and again when that changes. */
export class LeaderFolder {
  readonly #options: LeaderFolderOptions;
  readonly #order = new OneAfterTheOther();
  readonly #listeners = new Set<() => void>();
  readonly #watch: WatchedFolder;
  #view: LeaderView | undefined;
  #looking: Promise<LeaderView> | undefined;
  #failure: MillraceError | undefined;
  /** What this process's own latch node begins with. */
  #ownPrefix: string | undefined;
  readonly #formerPrefixes: string[] = [];
  #timer: TimerHandle | undefined;
  /** Views that this process has made by its own writes. */
  #writes = 0;
  #isClosed = false;

  constructor(options: LeaderFolderOptions) {
    this.#options = options;
    this.#watch = new WatchedFolder(options.keeper, options.paths.leader, options.clock, () => this.#heed());
  }

  /** As last seen. */
  get view(): LeaderView | undefined {
    return this.#view;
  }

  /** What speaks against the store itself, from the newest look. */
  get health(): StoreHealth | undefined {
    return this.#failure === undefined ? undefined : { state: 'broken', error: errorInfo(this.#failure) };
  }

  get leader(): LeaderInformation | undefined {
    return this.#view === undefined ? undefined : leaderOf(this.#view);
  }

  /** Calls when something was seen that is new, and when the store turned out to be another one. */
  listen(listener: () => void): Subscription {
    const own = (): void => listener();
    this.#listeners.add(own);
    return { end: () => this.#listeners.delete(own) };
  }

  /** The latch node whose name begins so is this process's; `undefined`: it has none any more. */
  own(prefix: string | undefined): void {
    if (this.#ownPrefix !== undefined) {
      this.#formerPrefixes.push(this.#ownPrefix);
    }
    this.#ownPrefix = prefix;
    if (prefix === undefined && this.#view?.own !== undefined) {
      const gone = this.#view.own.name;
      this.#see({ ...this.#view, own: undefined, latches: this.#view.latches.filter((name) => name !== gone) });
    }
  }

  /** This process has written that: it need not be read. */
  wrote(view: LeaderView): void {
    this.#writes++;
    this.#see(view);
  }

  /** A look that begins after this call; it is not stale. Errors: STORE_AWAY, STORE_BROKEN, STORE_REPLACED. */
  look(): Promise<LeaderView> {
    this.#looking ??= this.#order.run(() => {
      this.#looking = undefined;
      return this.#look();
    });
    return this.#looking;
  }

  close(): void {
    this.#isClosed = true;
    this.#watch.end();
    this.#timer?.cancel();
  }

  #heed(): void {
    this.#timer?.cancel();
    this.look().catch(() => {
      if (!this.#isClosed) {
        this.#timer = this.#options.clock.after(RETRY_MS, () => this.#heed());
      }
    });
  }

  async #look(): Promise<LeaderView> {
    const { keeper } = this.#options;
    try {
      for (;;) {
        const writes = this.#writes;
        const view = await this.#read(keeper.client, keeper.number);
        // Else some of it may be from before what this process wrote meanwhile.
        if (writes === this.#writes) {
          this.#failure = undefined;
          this.#see(view);
          return view;
        }
      }
    } catch (error) {
      const known = storeError(error);
      if (known instanceof MillraceError && codeOf(known) !== 'STORE_AWAY') {
        this.#failure = known;
        this.#tell();
      }
      throw known;
    }
  }

  async #read(client: ZooKeeperClient, session: number): Promise<LeaderView> {
    const { paths, lineage } = this.#options;
    const [, children, epochNode, informationNode, suspicionsNode] = await together(
      client.sync(paths.leader),
      ifThere(client.children(paths.latches)),
      ifThere(client.get(paths.epoch)),
      ifThere(client.get(paths.information)),
      ifThere(client.get(paths.suspicions)),
    );
    const epoch = epochNode && decodeNode(epochSchema, epochNode.data, paths.epoch);
    if (epoch === undefined || children === undefined || epoch.lineage !== lineage) {
      throw replaced(paths.root, lineage, epoch?.lineage);
    }
    const latches = inOrder(children.names);
    const prefix = this.#ownPrefix;
    const name = prefix === undefined ? undefined : latches.find((one) => one.startsWith(prefix));
    const stat = name === undefined ? undefined : await client.exists(`${paths.latches}/${name}`);
    if (name !== undefined && stat === undefined) {
      // It went meanwhile, and what was read before that does not say why.
      return this.#read(client, session);
    }
    const isOwn = name !== undefined && stat !== undefined && this.#ownPrefix === prefix;
    return {
      session,
      latches,
      own: isOwn ? { name, version: stat.version } : undefined,
      leftOver: latches.filter((one) => this.#formerPrefixes.some((former) => one.startsWith(former))),
      epoch,
      epochVersion: epochNode!.stat.version,
      information: informationNode && decodeNode(informationSchema, informationNode.data, paths.information),
      suspicions: suspicionsNode ? decodeNode(suspicionsSchema, suspicionsNode.data, paths.suspicions) : NO_SUSPICIONS,
      suspicionsVersion: suspicionsNode?.stat.version ?? -1,
    };
  }

  #see(view: LeaderView): void {
    if (view.session === this.#options.keeper.number && !this.#isClosed) {
      this.#view = view;
      this.#tell();
    }
  }

  #tell(): void {
    [...this.#listeners].forEach((listener) => listener());
  }
}

/** The number that the ensemble gave it decides. */
const inOrder = (names: readonly string[]): readonly string[] =>
  names.toSorted((one, other) => (one.slice(-SEQUENCE_DIGITS) < other.slice(-SEQUENCE_DIGITS) ? -1 : 1));

const leaderOf = ({ epoch, information, latches, suspicions }: LeaderView): LeaderInformation | undefined => {
  const isOfGrant = information?.epoch === epoch.epoch && information.latch === epoch.latch;
  if (information === undefined || !isOfGrant || !latches.includes(epoch.latch)) {
    return undefined;
  }
  const { lineage, sessionId, grantedAtMs } = epoch;
  return {
    leadership: { lineage, epoch: epoch.epoch, sessionId, grantedAtMs },
    endpoints: information.endpoints,
    isPublished: information.isPublished,
    falseAlarms: suspicions.total,
  };
};

export const replaced = (root: string, lineage: string, found: string | undefined): MillraceError =>
  new MillraceError(
    'STORE_REPLACED',
    `the HA store at ${root} in ZooKeeper ${
      found === undefined
        ? `is gone (it had lineage ${lineage})`
        : `has been replaced by another one under this process (lineage ${found} in place of ${lineage})`
    }; the process begins anew with what is there`,
  );
