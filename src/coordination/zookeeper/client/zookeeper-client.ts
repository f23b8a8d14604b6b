import type { ZooKeeperError } from './zookeeper-error.ts';

/**
 * One session with a ZooKeeper ensemble. Paths are absolute below the chroot of the connect string. Each operation settles within
 * twice the session timeout, whatever happens, and rejects with a `ZooKeeperError` that says whether it may have happened.
 * Operations of one client are sent, carried out and answered in the order of the calls; what waits for a connection is sent
 * once there is one.
 */
export interface ZooKeeperClient {
  readonly state: SessionState;
  /** `undefined` until the first connection. */
  readonly session: Session | undefined;
  /** Calls with each change of the state, never from within a call of the client. */
  onState(listener: (state: SessionState) => void): WatchHandle;

  /** The path that was made: with its number where the mode is sequential. Errors: NODE_EXISTS, NO_NODE (the parent), ... */
  create(
    path: string,
    data: Uint8Array,
    options?: CreateOptions,
  ): Promise<{ readonly path: string; readonly stat: Stat }>;
  /** `watch` hears once of the next change of the data or of the deletion. Errors: NO_NODE. */
  get(path: string, watch?: Watcher): Promise<{ readonly data: Uint8Array; readonly stat: Stat }>;
  /** `undefined`: no such node. `watch` hears once of its creation, change or deletion. */
  exists(path: string, watch?: Watcher): Promise<Stat | undefined>;
  /** Names without path, in no order. `watch` hears once of the next child that comes or goes, or of the deletion. Errors: NO_NODE. */
  children(path: string, watch?: Watcher): Promise<{ readonly names: readonly string[]; readonly stat: Stat }>;
  /** `version`: -1, or the version that is replaced, else BAD_VERSION. */
  set(path: string, data: Uint8Array, version?: number): Promise<Stat>;
  /** Errors: NO_NODE, BAD_VERSION, NOT_EMPTY. */
  delete(path: string, version?: number): Promise<void>;
  getAcl(path: string): Promise<{ readonly acl: readonly Acl[]; readonly stat: Stat }>;
  /** `version`: of the ACL. */
  setAcl(path: string, acl: readonly Acl[], version?: number): Promise<Stat>;
  /** Reads after it see everything that any client was answered before it. */
  sync(path: string): Promise<void>;
  /** All operations or none, as of one moment. */
  multi(operations: readonly MultiOperation[]): Promise<MultiOutcome>;
  /**
   * Reads in one request, each for itself: an error of one is its result. Not as of one moment: none shows an older state than one before
   * it. Needs ZooKeeper 3.6.
   */
  multiRead(reads: readonly ReadOperation[]): Promise<readonly ReadResult[]>;
  whoAmI(): Promise<readonly { readonly scheme: string; readonly id: string }[]>;
  /**
   * Hears of each event at the path (`persistent-recursive`: or below it, of nodes only, not `children-changed`) until it is removed,
   * over reconnects too: what changed while the connection was away comes as events of what differs now, before anything that waited is
   * sent. What was heard just before the loss may come again as `changed` or `children-changed`. The watch ends with the session.
   *
   * The ensemble only sets such watches again, so the client compares: a recursive one keeps the paths below it in memory, and reads
   * each of these nodes when it is added and after each reconnect. It is for trees of thousands of nodes, not of millions; below a node
   * whose children this session must not read nothing is compared.
   */
  addWatch(path: string, mode: 'persistent' | 'persistent-recursive', watch: Watcher): Promise<AsyncWatchHandle>;
  /**
   * Adds to the session's identities, on this connection and each later one, before all that waits there. AUTH_FAILED ends the client;
   * after another error it is none of the identities.
   */
  addAuth(scheme: string, credentials: Uint8Array): Promise<void>;
  /**
   * Ends the session: its ephemeral nodes go at once, or with the session timeout where no server is connected. What is said to the
   * ensemble is handed to the operating system before this returns. Never rejects; what is pending rejects with SESSION_CLOSED.
   */
  close(): Promise<void>;
}

/**
 * - `connecting`: no server answers now; the session may live, a lost connection is not a lost session;
 * - `connected`;
 * - `expired`, `auth-failed`, `closed`: for good; every operation rejects.
 */
export type SessionState = 'connecting' | 'connected' | 'expired' | 'auth-failed' | 'closed';

export interface Session {
  readonly id: bigint;
  /** Whoever has it can attach to this session: a secret. */
  readonly password: Uint8Array;
  /** As the ensemble granted it. */
  readonly timeoutMs: number;
}

export type CreateMode =
  | 'persistent'
  | 'persistent-sequential'
  | 'ephemeral'
  | 'ephemeral-sequential'
  /** The ensemble deletes it some time after its last child went. */
  | 'container'
  /** Needs `ttlMs`, and an ensemble with extended types. */
  | 'persistent-ttl'
  | 'persistent-sequential-ttl';

export interface CreateOptions {
  /** `persistent` unless said. */
  readonly mode?: CreateMode;
  /** Everybody may do everything unless said. */
  readonly acl?: readonly Acl[];
  readonly ttlMs?: number;
}

export interface Acl {
  readonly scheme: string;
  readonly id: string;
  readonly permissions: readonly Permission[];
}

export type Permission = 'read' | 'write' | 'create' | 'delete' | 'admin';

/** Transaction ids are those of the ensemble; times are milliseconds since 1970 by the ensemble's clock. */
export interface Stat {
  readonly createdIn: bigint;
  readonly modifiedIn: bigint;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  /** Of the data; grows with each `set`. */
  readonly version: number;
  readonly childrenVersion: number;
  readonly aclVersion: number;
  /** 0n: it is not ephemeral. */
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly childrenCount: number;
  /** The newest transaction that made or deleted a child. */
  readonly childrenModifiedIn: bigint;
}

export type MultiOperation =
  | { readonly kind: 'create'; readonly path: string; readonly data: Uint8Array; readonly options?: CreateOptions }
  | { readonly kind: 'set'; readonly path: string; readonly data: Uint8Array; readonly version?: number }
  | { readonly kind: 'delete'; readonly path: string; readonly version?: number }
  /** Changes nothing: the node has to be there, in this version unless it is -1. */
  | { readonly kind: 'check'; readonly path: string; readonly version: number };

export type MultiOutcome =
  | { readonly ok: true; readonly results: readonly MultiResult[] }
  /** Nothing was done, because of the operation at `index`. */
  | { readonly ok: false; readonly index: number; readonly error: ZooKeeperError };

export type MultiResult =
  /** Without a stat: an ensemble sends none in a multi. */
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'set'; readonly stat: Stat }
  | { readonly kind: 'delete' }
  | { readonly kind: 'check' };

export interface ReadOperation {
  readonly kind: 'get' | 'children';
  readonly path: string;
}

/** In the order of the reads. */
export type ReadResult =
  | { readonly kind: 'get'; readonly data: Uint8Array; readonly stat: Stat }
  /** Without a stat: an ensemble sends none here. */
  | { readonly kind: 'children'; readonly names: readonly string[] }
  | { readonly kind: 'error'; readonly error: ZooKeeperError };

/** Calls come in the order in which the ensemble made the changes, and before the answer of a read that sees them. */
export type Watcher = (event: WatchEvent) => void;

export interface WatchEvent {
  readonly kind: 'created' | 'deleted' | 'changed' | 'children-changed';
  readonly path: string;
}

export interface WatchHandle {
  /** No call comes afterwards. */
  end(): void;
}

export interface AsyncWatchHandle extends WatchHandle {
  /** Also takes it from the server. */
  remove(): Promise<void>;
}
