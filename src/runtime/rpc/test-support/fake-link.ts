import type { LinkReceiver, MessageLink } from '../message-link.ts';
import { decodeMessage, encodeMessage, type WireMessage } from '../wire-message.ts';

/** A link whose other side is the test. */
export class FakeLink implements MessageLink {
  readonly remoteAddress = '10.0.0.1:1';
  readonly localHost = '10.0.0.2';
  readonly queuedBytes = 0;
  readonly queuedMessages = 0;
  readonly frames: Uint8Array[] = [];
  receiver: LinkReceiver | undefined;
  how: 'ended' | 'destroyed' | undefined;

  /** What was written, the hellos done. */
  get messages(): readonly WireMessage[] {
    return this.frames.map((frame) => decodeMessage(frame.subarray(4), Infinity));
  }

  deliver(receiver: LinkReceiver): void {
    this.receiver = receiver;
  }

  write(frame: Uint8Array): void {
    this.frames.push(frame);
  }

  end(): void {
    this.how ??= 'ended';
  }

  destroy(): void {
    this.how ??= 'destroyed';
  }

  /** The other side sends this. */
  receive(message: WireMessage | Uint8Array): void {
    const frame = message instanceof Uint8Array ? message : encodeMessage(message, Infinity);
    this.receiver?.message(frame.subarray(4));
  }
}
