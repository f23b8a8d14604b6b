import type {
  Acl,
  MultiOperation,
  MultiOutcome,
  MultiResult,
  ReadOperation,
  ReadResult,
  Session,
  Stat,
  WatchEvent,
} from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import type { ZooKeeperError } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import type { ServerWatch } from './watches.ts';

export type Read =
  | { readonly kind: 'get' | 'exists' | 'children'; readonly path: string; readonly watch: ServerWatch | undefined }
  | { readonly kind: 'getAcl'; readonly path: string }
  | { readonly kind: 'multiRead'; readonly reads: readonly ReadOperation[] }
  | { readonly kind: 'addWatch'; readonly watch: ServerWatch }
  | { readonly kind: 'removeWatch'; readonly id: number }
  | { readonly kind: 'whoAmI' | 'ping' };

/** What goes to the ensemble's leader. */
export type Write =
  | { readonly kind: 'one'; readonly operation: MultiOperation }
  | { readonly kind: 'multi'; readonly operations: readonly MultiOperation[] }
  | { readonly kind: 'setAcl'; readonly path: string; readonly acl: readonly Acl[]; readonly version: number }
  | { readonly kind: 'sync' }
  | { readonly kind: 'close' };

export interface Request {
  readonly xid: number;
  readonly body: { readonly to: 'server'; readonly read: Read } | { readonly to: 'leader'; readonly write: Write };
}

export type Answer =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'error'; readonly error: ZooKeeperError }
  | { readonly kind: 'data'; readonly data: Uint8Array; readonly stat: Stat }
  | { readonly kind: 'stat'; readonly stat: Stat | undefined }
  | { readonly kind: 'children'; readonly names: readonly string[]; readonly stat: Stat }
  | { readonly kind: 'reads'; readonly results: readonly ReadResult[] }
  | { readonly kind: 'acl'; readonly acl: readonly Acl[]; readonly stat: Stat }
  | { readonly kind: 'result'; readonly result: MultiResult }
  | { readonly kind: 'created'; readonly path: string; readonly stat: Stat }
  | { readonly kind: 'multi'; readonly outcome: MultiOutcome };

export type ToClient =
  | { readonly kind: 'answer'; readonly xid: number; readonly answer: Answer; readonly zxid: bigint }
  | { readonly kind: 'event'; readonly watch: number; readonly event: WatchEvent; readonly zxid: bigint };

/** What a client that connects has of its session. */
export interface Attachment {
  readonly session: Session | undefined;
  readonly timeoutMs: number;
  /** The newest transaction that it has seen: no server shows it an older state. */
  readonly zxid: bigint;
  readonly watches: readonly ServerWatch[];
}
