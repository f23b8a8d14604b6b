import { MillraceError } from '../../../foundation/common/errors.ts';
import { FRAME_HEADER_BYTES } from '../frame.ts';
import type { LinkEnd, LinkReceiver, MessageLink } from '../message-link.ts';
import type { Pipe } from './pipe.ts';

/** One end of a connection within this process. */
export class InMemoryLink implements MessageLink {
  readonly remoteAddress: string;
  readonly localHost: string;
  readonly #out: Pipe;
  /** The other end. */
  #far: InMemoryLink | undefined;
  #receiver: LinkReceiver | undefined;
  #payloadBytesMax = 0;
  #isOver = false;

  constructor(remoteAddress: string, out: Pipe) {
    this.remoteAddress = remoteAddress;
    this.localHost = out.from;
    this.#out = out;
  }

  static join(a: InMemoryLink, b: InMemoryLink): void {
    a.#far = b;
    b.#far = a;
  }

  get queuedBytes(): number {
    return this.#out.bytes;
  }

  get queuedMessages(): number {
    return this.#out.parcels;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  deliver(receiver: LinkReceiver, payloadBytesMax: number): void {
    this.#receiver = receiver;
    this.#payloadBytesMax = payloadBytesMax;
  }

  write(frame: Uint8Array): void {
    if (!this.#isOver) {
      this.#out.push(frame.length, () => this.#far?.arrived(frame));
    }
  }

  end(): void {
    this.#leave({ kind: 'peer' });
  }

  destroy(): void {
    this.#leave({ kind: 'reset' });
  }

  /** The process is gone and hears nothing; its operating system, if it is still there, closes the connection. */
  crash(isHostLost: boolean): void {
    if (isHostLost) {
      this.#isOver = true;
      this.#out.clear();
    } else {
      this.#leave({ kind: 'peer' });
    }
  }

  /** As if the other side, or the network, had done it. */
  terminate(end: LinkEnd): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#out.clear();
      this.#receiver?.ended(end);
    }
  }

  /** @internal */
  farEnded(end: LinkEnd): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#out.finish();
      this.#receiver?.ended(end);
    }
  }

  /** @internal */
  arrived(frame: Uint8Array): void {
    const payload = frame.subarray(FRAME_HEADER_BYTES);
    if (this.#isOver) {
      return;
    }
    if (payload.length > this.#payloadBytesMax) {
      const message = `${this.remoteAddress} sent a message of ${payload.length} bytes; allowed are ${this.#payloadBytesMax}`;
      this.#receiver?.garbage(new MillraceError('PROTOCOL', message));
    } else {
      this.#receiver?.message(payload);
    }
  }

  #leave(end: LinkEnd): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#out.push(0, () => this.#far?.farEnded(end));
      this.#out.finish();
    }
  }
}
