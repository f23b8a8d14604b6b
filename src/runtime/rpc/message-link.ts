import type { MillraceError } from '../../foundation/common/errors.ts';
import type { CloseReason } from './rpc-connection.ts';

/** How a link ended that nobody on this side has ended. */
export type LinkEnd = Extract<CloseReason, { readonly kind: 'peer' | 'reset' | 'broken' }>;

export interface LinkReceiver {
  /** One message, in the order in which they were sent; the bytes are valid during the call only. */
  message(payload: Uint8Array): void;
  /** What came is no message. The link reads no more and waits to be destroyed. */
  garbage(error: MillraceError): void;
  /** Once, after the last message; not after `destroy`. */
  ended(end: LinkEnd): void;
}

/** Carries whole messages between two processes, in order: all that a transport has to bring. */
export interface MessageLink {
  readonly remoteAddress: string;
  /** Of this side: the address that the other reached, or was reached from. */
  readonly localHost: string;
  /** Bytes and messages that were written and have not left yet. */
  readonly queuedBytes: number;
  readonly queuedMessages: number;
  /** From now on messages go there, and may be so long. Nothing is lost between two receivers. */
  deliver(receiver: LinkReceiver, payloadBytesMax: number): void;
  /** A frame of `frame.ts`, which the link owns from now on. Never throws. */
  write(frame: Uint8Array): void;
  /** Ends the link after what was written. Nothing is delivered any more. */
  end(): void;
  /** Ends the link at once. Nothing is delivered any more. */
  destroy(): void;
}
