import type { Accepted } from '../zookeeper/ensemble.ts';

/** Where the processes of a world keep what must not get lost. */
export type StoreName = 'embedded' | 'zookeeper';

/** What the store of a world truly holds, whatever processes believe, for those who check. */
export interface StoreOfWorld {
  readonly leader: { readonly epoch: number; readonly instanceId: string } | undefined;
  /** Ids of the checkpoints that the store points to, ascending. */
  pointedTo(job: string): readonly number[];
  /** A file that the store points to, of a checkpoint, a job graph or a bundle, if it is this path or below it. */
  pointerInto(path: string): string | undefined;
  wasPointedTo(job: string, id: number): boolean;
  /** The highest checkpoint id that the store has ever given out. */
  lastId(job: string): number;
  /** A file of the world's disk has got this name. */
  linked(path: string): Promise<void>;
  /** The newest of what was written may be gone: the disk has lost power, or an older copy is back. */
  lostEntries(): Promise<void>;
  /** ZooKeeper has accepted a write. */
  accepted?(accepted: Accepted): void;
}

export interface StoreEvents {
  /** The store points to a checkpoint no more. */
  unpointed(): void;
  /** The store points to a file that does not exist. */
  dangling(path: string): void;
  /** Checkpoint ids that the store gives out do not grow. */
  idsGoBack(what: string): void;
  /** The shipped code takes a change for one of the leader that is none, or does not take one that is. */
  differs(what: string): void;
}
