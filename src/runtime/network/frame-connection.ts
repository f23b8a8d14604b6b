import { MillraceError } from '../../foundation/common/errors.ts';
import { BatchDecoder } from '../../foundation/serialization/batch-decoder.ts';
import { BatchEncoder } from '../../foundation/serialization/batch-encoder.ts';
import { decodeValue, encodeValue } from '../../foundation/serialization/value-codec.ts';
import { FRAME_HEADER_BYTES, makeFrame, readFrameHeader, writeFrameHeader } from './frame.ts';
import type { FrameHeader } from './frame.ts';
import type { InputChannel } from './input-channel.ts';
import type { ChannelTransport, OutputChannel } from './output-channel.ts';
import type { Batch, StreamEvent } from './stream-element.ts';

/** Carries frames to one peer, in order; a `MessagePort` between threads, a socket between processes. */
export interface FramePort {
  post(frames: readonly Uint8Array<ArrayBuffer>[]): void;
  close(): void;
}

export interface ConnectionOwner {
  /** A consumer says hello for this channel; the answer is `connection.accept`, now or when the producer is deployed. */
  hello(connection: FrameConnection, channel: number, key: string, credit: number): void;
  /** Something waits for `flush`. */
  dirty(connection: FrameConnection): void;
}

interface Receiving {
  readonly channel: InputChannel;
  sequence: number;
}

interface Sending {
  readonly output: OutputChannel;
}

/**
 * All channels between this thread and one peer, multiplexed. Frames of one turn leave in one message. A gap in the
 * sequence numbers breaks the channel: nothing is resumed.
 */
export class FrameConnection {
  readonly peer: number;
  readonly #port: FramePort;
  readonly #owner: ConnectionOwner;
  readonly #checksums: boolean;
  readonly #receiving = new Map<number, Receiving>();
  readonly #sending = new Map<number, Sending>();
  readonly #credits = new Map<number, number>();
  #outbox: Uint8Array<ArrayBuffer>[] = [];
  #nextChannel = 0;

  constructor(peer: number, port: FramePort, owner: ConnectionOwner, options: { readonly checksums: boolean }) {
    this.peer = peer;
    this.#port = port;
    this.#owner = owner;
    this.#checksums = options.checksums;
  }

  /** Consumer's side: opens a channel to the producer that `key` names. */
  open(key: string, channel: InputChannel): void {
    const id = this.#nextChannel++;
    const decoder = new BatchDecoder();
    this.#receiving.set(id, { channel, sequence: 0 });
    channel.connect({
      grantCredit: (credit) => {
        this.#credits.set(id, (this.#credits.get(id) ?? 0) + credit);
        this.#owner.dirty(this);
      },
      decode: (encoded) => decoder.decode(encoded),
      close: () => {
        this.#receiving.delete(id);
        this.#credits.delete(id);
        this.#post(makeFrame('cancel', id, 0, new Uint8Array(0), this.#checksums));
      },
    });
    const hello = encodeValue({ key, credit: channel.initialCredit });
    this.#post(makeFrame('hello', id, 0, hello, this.#checksums));
  }

  /** Producer's side: the channel that said hello feeds from `output`. */
  accept(id: number, output: OutputChannel, credit: number, operatorName: string): void {
    this.#sending.set(id, { output });
    output.connect(this.#transport(id, operatorName), credit);
  }

  /** Producer's side: nothing here feeds that channel (any more). */
  refuse(id: number): void {
    this.#post(makeFrame('close', id, 0, encodeValue('the producer is gone'), this.#checksums));
  }

  receive(frame: Uint8Array): void {
    const header = readFrameHeader(frame);
    const payload = frame.subarray(FRAME_HEADER_BYTES);
    switch (header.type) {
      case 'data':
      case 'event':
        return this.#receiveElement(header, payload);
      case 'hello': {
        const hello = decodeValue(payload) as { readonly key: string; readonly credit: number };
        return this.#owner.hello(this, header.channel, hello.key, hello.credit);
      }
      case 'credit':
        return this.#sending
          .get(header.channel)
          ?.output.addCredit(new DataView(payload.buffer, payload.byteOffset).getUint32(0, true));
      case 'cancel':
        this.#sending.delete(header.channel);
        return;
      case 'close': {
        const receiving = this.#receiving.get(header.channel);
        this.#receiving.delete(header.channel);
        receiving?.channel.broken(String(decodeValue(payload)));
        return;
      }
    }
  }

  /** Sends what the last turn left: credits first, they are what the peer may wait for. */
  flush(): void {
    for (const [id, credit] of this.#credits) {
      const payload = new Uint8Array(4);
      new DataView(payload.buffer).setUint32(0, credit, true);
      this.#outbox.push(makeFrame('credit', id, 0, payload, this.#checksums));
    }
    this.#credits.clear();
    if (this.#outbox.length > 0) {
      const frames = this.#outbox;
      this.#outbox = [];
      this.#port.post(frames);
    }
  }

  /** The peer died: every channel to or from it is broken. */
  broken(reason: string): void {
    const channels = [...this.#receiving.values()];
    this.#receiving.clear();
    this.#sending.clear();
    for (const { channel } of channels) {
      channel.broken(reason);
    }
  }

  close(): void {
    this.#port.close();
  }

  #receiveElement(header: FrameHeader, payload: Uint8Array): void {
    const receiving = this.#receiving.get(header.channel);
    if (receiving === undefined) {
      return; // closed by the consumer while the frame was on its way
    }
    if (header.sequence !== receiving.sequence) {
      this.#receiving.delete(header.channel);
      receiving.channel.broken(`frame ${header.sequence} came where ${receiving.sequence} was due`);
      return;
    }
    receiving.sequence++;
    if (header.type === 'data') {
      receiving.channel.receive({ encoded: payload });
      return;
    }
    const event = decodeValue(payload) as StreamEvent;
    if (event.kind === 'end-of-partition') {
      this.#receiving.delete(header.channel);
    }
    receiving.channel.receive(event);
  }

  #transport(id: number, operatorName: string): ChannelTransport {
    const encoder = new BatchEncoder({ headroom: FRAME_HEADER_BYTES, operatorName });
    let sequence = 0;
    return {
      deliver: (batch: Batch) => {
        const frame = encoder.encode(batch.values, batch.timestamps as readonly number[] | undefined, batch.count);
        if (frame.byteLength > 0xffff_ffff) {
          throw new MillraceError('BAD_RECORD', `a batch of operator '${operatorName}' is larger than 4 GiB`);
        }
        writeFrameHeader(frame, 'data', id, sequence++, this.#checksums);
        this.#post(frame);
      },
      deliverEvent: (event) => {
        this.#post(makeFrame('event', id, sequence++, encodeValue(event), this.#checksums));
        if (event.kind === 'end-of-partition') {
          this.#sending.delete(id);
        }
      },
      close: () => {
        if (this.#sending.delete(id)) {
          this.#post(makeFrame('close', id, 0, encodeValue('the producer ended early'), this.#checksums));
        }
      },
    };
  }

  #post(frame: Uint8Array<ArrayBuffer>): void {
    this.#outbox.push(frame);
    this.#owner.dirty(this);
  }
}
