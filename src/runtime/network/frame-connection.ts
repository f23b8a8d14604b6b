import { MillraceError, messageOf } from '../../foundation/common/errors.ts';
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
  /** The consumer of a hello that nobody has answered yet is gone. */
  helloCancelled(connection: FrameConnection, key: string): void;
  /** Something waits for `flush`. */
  dirty(connection: FrameConnection): void;
}

interface Receiving {
  readonly channel: InputChannel;
  sequence: number;
}

/**
 * All channels between this thread and one peer, multiplexed. Frames of one turn leave in one message. A gap in the
 * sequence numbers breaks the channel, a frame that cannot be read all of them: nothing is resumed.
 */
export class FrameConnection {
  readonly peer: number;
  readonly #port: FramePort;
  readonly #owner: ConnectionOwner;
  readonly #checksums: boolean;
  readonly #receiving = new Map<number, Receiving>();
  readonly #sending = new Map<number, OutputChannel>();
  /** Keys of hellos that wait for their producer. */
  readonly #hellos = new Map<number, string>();
  readonly #credits = new Map<number, number>();
  #outbox: Uint8Array<ArrayBuffer>[] = [];
  #nextChannel = 0;
  #closed = false;

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
        if (!this.#closed) {
          this.#credits.set(id, (this.#credits.get(id) ?? 0) + credit);
          this.#owner.dirty(this);
        }
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
    this.#hellos.delete(id);
    this.#sending.set(id, output);
    output.connect(this.#transport(id, operatorName), credit);
  }

  /** Never throws: what is wrong with a frame breaks the channels that it concerns, not the thread. */
  receive(frame: Uint8Array): void {
    let header: FrameHeader | undefined;
    try {
      header = readFrameHeader(frame);
      this.#received(header, frame.subarray(FRAME_HEADER_BYTES));
    } catch (thrown) {
      const isData = header?.type === 'data' || header?.type === 'event';
      if (isData && header !== undefined) {
        this.#break(header.channel, messageOf(thrown));
      } else {
        this.broken(messageOf(thrown));
      }
    }
  }

  #received(header: FrameHeader, payload: Uint8Array): void {
    switch (header.type) {
      case 'data':
      case 'event':
        return this.#receiveElement(header, payload);
      case 'hello': {
        const hello = decodeValue(payload) as { readonly key: string; readonly credit: number };
        this.#hellos.set(header.channel, hello.key);
        return this.#owner.hello(this, header.channel, hello.key, hello.credit);
      }
      case 'credit':
        return this.#sending
          .get(header.channel)
          ?.addCredit(new DataView(payload.buffer, payload.byteOffset).getUint32(0, true));
      case 'cancel':
        return this.#cancelled(header.channel);
      case 'close':
        // The producer's task failed or was cancelled. The JobManager knows why, and ends this task with its region; an
        // error of its own here could be taken for the cause.
        this.#receiving.delete(header.channel);
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

  /** Every channel to or from the peer breaks, on this side. */
  broken(reason: string): void {
    const receiving = [...this.#receiving.values()];
    const sending = [...this.#sending.values()];
    const hellos = [...this.#hellos.values()];
    this.#receiving.clear();
    this.#sending.clear();
    this.#hellos.clear();
    for (const key of hellos) {
      this.#owner.helloCancelled(this, key);
    }
    for (const { channel } of receiving) {
      channel.broken(reason);
    }
    for (const output of sending) {
      output.broken(new MillraceError('CHANNEL_LOST', `lost a receiver: ${reason}`, { retryable: true }));
    }
  }

  close(): void {
    this.#closed = true;
    this.#outbox = [];
    this.#credits.clear();
    this.#port.close();
  }

  #receiveElement(header: FrameHeader, payload: Uint8Array): void {
    const receiving = this.#receiving.get(header.channel);
    if (receiving === undefined) {
      return; // closed by the consumer while the frame was on its way
    }
    if (header.sequence !== receiving.sequence) {
      return this.#break(header.channel, `frame ${header.sequence} came where ${receiving.sequence} was due`);
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

  #break(id: number, reason: string): void {
    const receiving = this.#receiving.get(id);
    this.#receiving.delete(id);
    receiving?.channel.broken(reason);
  }

  #cancelled(id: number): void {
    const output = this.#sending.get(id);
    this.#sending.delete(id);
    output?.abandoned();
    const key = this.#hellos.get(id);
    if (key !== undefined) {
      this.#hellos.delete(id);
      this.#owner.helloCancelled(this, key);
    }
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
          this.#post(makeFrame('close', id, 0, new Uint8Array(0), this.#checksums));
        }
      },
    };
  }

  #post(frame: Uint8Array<ArrayBuffer>): void {
    if (!this.#closed) {
      this.#outbox.push(frame);
      this.#owner.dirty(this);
    }
  }
}
