import type { Socket } from 'node:net';
import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { codeOf, messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import { FrameSplitter } from '../frame-splitter.ts';
import type { LinkEnd, LinkReceiver, MessageLink } from '../message-link.ts';

/** For the other side to end too, once this one has. */
const END_TIMEOUT_MS = 2_000;

/** Messages over a socket that is connected (and, with TLS, trusted). */
export class TcpLink implements MessageLink {
  readonly remoteAddress: string;
  readonly localHost: string;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #splitter: FrameSplitter;
  readonly #written = (): void => {
    this.#queuedMessages--;
  };
  #receiver: LinkReceiver | undefined;
  #queuedMessages = 0;
  #isCorked = false;
  #isOver = false;
  #endTimer: TimerHandle | undefined;

  constructor(socket: Socket, remoteAddress: string, clock: Clock) {
    this.remoteAddress = remoteAddress;
    this.localHost = plainHost(socket.localAddress ?? '');
    this.#socket = socket;
    this.#clock = clock;
    this.#splitter = new FrameSplitter(remoteAddress, 0);
    // Also of a socket that nobody reads yet: an error without a listener would end the process.
    socket.on('error', (error) => this.#ended(endOf(error)));
    socket.on('close', () => {
      this.#endTimer?.cancel();
      this.#ended({ kind: 'reset' });
    });
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  get queuedMessages(): number {
    return this.#queuedMessages;
  }

  deliver(receiver: LinkReceiver, payloadBytesMax: number): void {
    const isFirst = this.#receiver === undefined;
    this.#receiver = receiver;
    this.#splitter.payloadBytesMax = payloadBytesMax;
    if (isFirst) {
      this.#socket.on('data', (chunk: Buffer) => this.#received(chunk));
      this.#socket.on('end', () => this.#ended({ kind: 'peer' }));
    }
  }

  write(frame: Uint8Array): void {
    if (this.#isOver) {
      return;
    }
    if (!this.#isCorked) {
      // All that one turn of the event loop writes leaves in one system call.
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#queuedMessages++;
    this.#socket.write(frame, this.#written);
  }

  end(): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#socket.end();
      this.#endTimer = this.#clock.after(END_TIMEOUT_MS, () => this.#socket.destroy());
    }
  }

  destroy(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    if (this.#isOver) {
      return;
    }
    try {
      this.#splitter.push(chunk, (payload) => {
        this.#receiver?.message(payload);
        return !this.#isOver;
      });
    } catch (thrown) {
      const error = thrown instanceof MillraceError ? thrown : new MillraceError('PROTOCOL', messageOf(thrown));
      this.#receiver?.garbage(error);
      this.end();
    }
  }

  #ended(end: LinkEnd): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#socket.destroy();
      this.#receiver?.ended(end);
    }
  }
}

/** An IPv4 address that came through an IPv6 socket is written as usual. */
export const plainHost = (host: string): string =>
  host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host;

const endOf = (error: Error): LinkEnd => {
  const code = codeOf(error);
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return { kind: 'reset' };
  }
  return { kind: 'broken', error: isTlsError(code) ? badCertificate(error) : error };
};

export const isTlsError = (code: string | undefined): boolean =>
  code !== undefined && /^(ERR_SSL_|ERR_TLS_)/.test(code);

/** The TLS handshake failed. */
export const badCertificate = (error: Error): MillraceError =>
  new MillraceError(
    'BAD_CERTIFICATE',
    `TLS failed: ${messageOf(error)}; both processes need security.ssl.internal.enabled, a certificate ` +
      '(security.ssl.internal.keystore) and the CA of the other (security.ssl.internal.truststore)',
    { cause: error },
  );
