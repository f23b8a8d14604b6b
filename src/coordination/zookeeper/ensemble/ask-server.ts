import { connect } from 'node:net';
import type { Clock } from '../../../foundation/common/clock.ts';
import { codeOf, messageOf } from '../../../foundation/common/errors.ts';
import type { ServerName } from '../client/connect-string.ts';

/** A `mntr` of a busy server has some ten thousand characters. */
export const MOST_ANSWER_BYTES = 262_144;

export interface ServerQuestion extends ServerName {
  /** Such as `srvr`: four letters, without a line end. */
  readonly bytes: string | Uint8Array;
  /** Of all of it: name, connection and answer. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export type RawAnswer =
  /** All it said, or what came of it within the limits; a character for each byte. */
  | { readonly kind: 'text'; readonly text: string }
  /** It took the connection and said nothing in time. */
  | { readonly kind: 'silent' }
  /** It closed the connection and said nothing. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'unreachable'; readonly reason: string };

/** Asks a server over a plain connection of its own; never rejects. */
export const askServer = ({ host, port, bytes, timeoutMs, clock }: ServerQuestion): Promise<RawAnswer> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    let isConnected = false;
    const end = (unanswered: RawAnswer): void => {
      timer.cancel();
      socket.destroy();
      const text = Buffer.concat(chunks).subarray(0, MOST_ANSWER_BYTES).toString('latin1');
      resolve(text === '' ? unanswered : { kind: 'text', text });
    };
    const timer = clock.after(timeoutMs, () =>
      end(isConnected ? { kind: 'silent' } : { kind: 'unreachable', reason: `no connection within ${timeoutMs} ms` }),
    );
    const socket = connect({ host, port }, () => {
      isConnected = true;
      // No byte more than the word: a server that closes with unread ones resets the connection, and its answer is lost.
      socket.write(bytes);
    });
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes >= MOST_ANSWER_BYTES) {
        end({ kind: 'closed' });
      }
    });
    socket.on('error', (error) =>
      end(isConnected ? { kind: 'closed' } : { kind: 'unreachable', reason: codeOf(error) ?? messageOf(error) }),
    );
    socket.on('close', () => end({ kind: 'closed' }));
  });
