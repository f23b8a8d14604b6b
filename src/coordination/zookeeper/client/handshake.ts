import { JuteReader } from './jute-reader.ts';
import { JuteWriter } from './jute-writer.ts';

/** What the client says first on a connection. */
export interface Hello {
  /** A server that has seen less closes the connection. */
  readonly seenZxid: bigint;
  readonly timeoutMs: number;
  /** 0n: a new session. */
  readonly sessionId: bigint;
  readonly password: Uint8Array;
}

export interface Welcome {
  /** 0: the session has expired. */
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Uint8Array;
}

const PASSWORD_BYTES = 16;

export const writeHello = ({ seenZxid, timeoutMs, sessionId, password }: Hello): Uint8Array =>
  new JuteWriter()
    .int(0)
    .long(seenZxid)
    .int(timeoutMs)
    .long(sessionId)
    .buffer(sessionId === 0n ? new Uint8Array(PASSWORD_BYTES) : password)
    // A server that is cut off from its ensemble is no use.
    .bool(false)
    .take();

/** What a server says after it (whether it only reads) is left out by old ones, and never true here. */
export const readWelcome = (frame: Uint8Array): Welcome => {
  const reader = new JuteReader(frame);
  reader.int();
  const timeoutMs = reader.int();
  const sessionId = reader.long();
  return { timeoutMs, sessionId, password: reader.buffer() };
};
