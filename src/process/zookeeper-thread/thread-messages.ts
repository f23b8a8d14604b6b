import type { ZooKeeperOptions, ZooKeeperSasl } from '../../coordination/zookeeper/client/connect-zookeeper.ts';
import type {
  Acl,
  CreateOptions,
  MultiOperation,
  MultiOutcome,
  ReadOperation,
  ReadResult,
  Session,
  SessionState,
  WatchEvent,
  ZooKeeperClient,
} from '../../coordination/zookeeper/client/zookeeper-client.ts';
import type { LogFields, LogLevel } from '../../foundation/common/logger.ts';
import type { ErrorImage } from './error-image.ts';

/** Those of `connectZooKeeper` that a message can carry. */
export type ThreadClientOptions = Omit<ZooKeeperOptions, 'sasl' | 'logger' | 'clock' | 'random' | 'transport'> & {
  readonly sasl?: Extract<ZooKeeperSasl, { mechanism: 'DIGEST-MD5' }>;
};

/** What the thread gets with its start. */
export interface ZooKeeperThreadSettings {
  /** Of `ThreadSignals`. */
  readonly signals: SharedArrayBuffer;
  readonly hangMs: number;
}

/** An operation of a client. Watchers have numbers: one for each that hears on its own, and not used again. */
export type ClientCall =
  | {
      readonly method: 'create';
      readonly path: string;
      readonly data: Uint8Array;
      readonly options: CreateOptions | undefined;
    }
  | { readonly method: 'get'; readonly path: string; readonly watch: number | undefined }
  | { readonly method: 'exists'; readonly path: string; readonly watch: number | undefined }
  | { readonly method: 'children'; readonly path: string; readonly watch: number | undefined }
  | {
      readonly method: 'set';
      readonly path: string;
      readonly data: Uint8Array;
      readonly version: number | undefined;
    }
  | { readonly method: 'delete'; readonly path: string; readonly version: number | undefined }
  | { readonly method: 'getAcl'; readonly path: string }
  | {
      readonly method: 'setAcl';
      readonly path: string;
      readonly acl: readonly Acl[];
      readonly version: number | undefined;
    }
  | { readonly method: 'sync'; readonly path: string }
  | { readonly method: 'multi'; readonly operations: readonly MultiOperation[] }
  | { readonly method: 'multiRead'; readonly reads: readonly ReadOperation[] }
  | { readonly method: 'whoAmI' }
  | {
      readonly method: 'addWatch';
      readonly path: string;
      readonly mode: 'persistent' | 'persistent-recursive';
      readonly watch: number;
    }
  | { readonly method: 'removeWatch'; readonly watch: number }
  | { readonly method: 'addAuth'; readonly scheme: string; readonly credentials: Uint8Array };

export type ClientMethod = ClientCall['method'];
export type CallOf<M extends ClientMethod> = Extract<ClientCall, { readonly method: M }>;

/** The handle of a watch stays in the thread. */
export type AnswerOf<M extends ClientMethod> = M extends 'addWatch' | 'removeWatch'
  ? void
  : M extends 'multi'
    ? MultiImage
    : M extends 'multiRead'
      ? readonly ReadImage[]
      : M extends keyof ZooKeeperClient
        ? ZooKeeperClient[M] extends (...args: never) => Promise<infer Answer>
          ? Answer
          : never
        : never;

/** A `MultiOutcome`, with an error that a message can carry. */
export type MultiImage =
  | Extract<MultiOutcome, { readonly ok: true }>
  | { readonly ok: false; readonly index: number; readonly error: ErrorImage };

/** A `ReadResult`, with an error that a message can carry. */
export type ReadImage =
  | Exclude<ReadResult, { readonly kind: 'error' }>
  | { readonly kind: 'error'; readonly error: ErrorImage };

/** To the thread, in order. Clients have numbers, which are not used again. */
export type ThreadCommand =
  | { readonly kind: 'connect'; readonly client: number; readonly options: ThreadClientOptions }
  | { readonly kind: 'call'; readonly client: number; readonly id: number; readonly call: ClientCall }
  /** The watcher of reads hears no more. */
  | { readonly kind: 'forget-watch'; readonly client: number; readonly watch: number }
  /** `WatchHandle.end` of a lasting watch. */
  | { readonly kind: 'end-watch'; readonly client: number; readonly watch: number }
  | { readonly kind: 'close'; readonly client: number }
  /** Its session is over; nothing more is asked. */
  | { readonly kind: 'forget'; readonly client: number };

export type ClientReport =
  | { readonly kind: 'answer'; readonly client: number; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refused'; readonly client: number; readonly id: number; readonly error: ErrorImage }
  | {
      readonly kind: 'state';
      readonly client: number;
      readonly state: SessionState;
      readonly session: Session | undefined;
    }
  /** Watchers of reads: each function hears once, however many numbers it has. */
  | { readonly kind: 'heard'; readonly client: number; readonly watches: readonly number[]; readonly event: WatchEvent }
  | { readonly kind: 'heard-lasting'; readonly client: number; readonly watch: number; readonly event: WatchEvent }
  | { readonly kind: 'closed'; readonly client: number };

/** From the thread, in order, several in one message. */
export type ThreadReport =
  | ClientReport
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: LogFields | undefined;
    };
