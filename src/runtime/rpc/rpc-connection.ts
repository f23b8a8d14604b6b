import type { MillraceError } from '../../foundation/common/errors.ts';
import type { Hello } from './hello.ts';
import type { CallName, ReplyOf, RequestOf, RpcProtocol, SendName } from './rpc-protocol.ts';

export interface CallOptions {
  /** `pekko.ask.timeout` unless set. */
  readonly timeoutMs?: number;
}

/**
 * One connection between two processes, the same on both sides once the hello is done: each side may call, send and
 * answer, all of it on one ordered stream (R15). Nothing is sent again after a connection is lost.
 */
export interface RpcConnection<R extends RpcProtocol = RpcProtocol> {
  /** What the other side said of itself. */
  readonly peer: Hello;
  /** For messages: `127.0.0.1:41022`. */
  readonly remoteAddress: string;
  /** The address of this host that the other side sees. */
  readonly localHost: string;
  /** By the monotonic clock: when the last message came, of whatever kind. */
  readonly lastReceivedMs: number;
  /** Settles once, when the connection has ended, never rejects. */
  readonly closed: Promise<CloseReason>;
  /** `undefined` while it is open. */
  readonly closeReason: CloseReason | undefined;

  /**
   * The answer. Errors: that of the other side, with its code; TIMEOUT (the other side may still act on the call),
   * CONNECTION_LOST and OVERLOADED, which are retryable; MESSAGE_TOO_LARGE and BAD_RECORD when the request cannot be
   * sent; PROTOCOL when the sides do not understand each other.
   */
  call<M extends CallName<R>>(method: M, request: RequestOf<R, M>, options?: CallOptions): Promise<ReplyOf<R, M>>;

  /**
   * Sends without an answer; false when the connection has ended. When it ends later nobody says what arrived. Errors:
   * MESSAGE_TOO_LARGE and BAD_RECORD, the connection stays open.
   */
  send<M extends SendName<R>>(method: M, request: RequestOf<R, M>): boolean;

  /** Ends the connection after what was sent; the other side is told why. Calls that wait are lost. */
  close(farewell?: string): void;
}

/** Who ended a connection, and how. */
export type CloseReason =
  /** This side: `close`, or, with an error, what the other side sent or did not take. */
  | { readonly kind: 'local'; readonly error?: MillraceError }
  /** The other side, or, without a farewell, maybe only its operating system, because the process has ended. */
  | { readonly kind: 'peer'; readonly farewell?: string }
  /** The other side's operating system has thrown it away: the process has ended, or closed in the middle of something. */
  | { readonly kind: 'reset' }
  /** Neither side: a host or the network between them is gone. */
  | { readonly kind: 'broken'; readonly error: Error };

/** Whether it was the other side, or its operating system, that ended the connection: silence is no such sign. */
export const endedByPeer = (reason: CloseReason): boolean => reason.kind === 'peer' || reason.kind === 'reset';

export const describeClose = (reason: CloseReason): string => {
  switch (reason.kind) {
    case 'local':
      return reason.error === undefined ? 'this side closed it' : `this side closed it: ${reason.error.message}`;
    case 'peer':
      return reason.farewell === undefined
        ? 'the other side closed it without a word'
        : `the other side closed it: ${reason.farewell}`;
    case 'reset':
      return 'the other side reset it';
    case 'broken':
      return `it broke: ${reason.error.message}`;
  }
};
