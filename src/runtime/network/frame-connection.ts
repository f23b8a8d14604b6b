import { MillraceError, messageOf } from '../../foundation/common/errors.ts';
import { BatchDecoder } from '../../foundation/serialization/batch-decoder.ts';
import { BatchEncoder } from '../../foundation/serialization/batch-encoder.ts';
import { decodeChannelHello, decodeCredit, encodeChannelHello, encodeCredit } from './channel-hello.ts';
import { decodeEvent, encodeEvent } from './event-codec.ts';
import { FRAME_HEADER_BYTES, makeFrame, readFrameHeader, writeFrameHeader } from './frame.ts';
import type { FrameHeader, FrameType } from './frame.ts';
import type { FramePort } from './frame-port.ts';
import type { InputChannel } from './input-channel.ts';
import type { ChannelTransport, OutputChannel } from './output-channel.ts';
import type { Batch } from './stream-element.ts';

export interface ConnectionOwner {
  /** A consumer says hello for this channel; the answer is `accept` or `refuse`, now or when the producer is deployed. */
  hello(connection: FrameConnection, channel: number, key: string, credit: number): void;
  /** The consumer of a hello that nobody has answered yet is gone. */
  helloCancelled(connection: FrameConnection, key: string): void;
  /** Something waits for `flush`. */
  dirty(connection: FrameConnection): void;
}

export interface ConnectionOptions {
  /** Of frames both ways; needed wherever bytes may be damaged on their way. */
  readonly checksums: boolean;
  /** Which side of channels this end may have. Frames that the other side must not send end the connection. */
  readonly side: 'consumers' | 'producers' | 'both';
  readonly maxFrameBytes: number;
}

interface Receiving {
  readonly channel: InputChannel;
  sequence: number;
  /** Batches that may still come. */
  credit: number;
}

interface Sending {
  readonly output: OutputChannel;
  /** What the consumer began with: it can never have more. */
  readonly mostCredit: number;
}

/** Channels of one connection, hellos that wait included; more mean that somebody invents them. */
const MOST_CHANNELS = 100_000;
const NOTHING = new Uint8Array(0);

/**
 * All channels between this thread and one peer, multiplexed. Frames of one turn leave in one message. A gap in the
 * sequence numbers breaks the channel, and over TCP the connection, as does a frame that cannot be read: nothing is
 * resumed.
 */
export class FrameConnection {
  readonly #port: FramePort;
  readonly #owner: ConnectionOwner;
  readonly #options: ConnectionOptions;
  readonly #receiving = new Map<number, Receiving>();
  readonly #sending = new Map<number, Sending>();
  /** Keys of hellos that wait for their producer. */
  readonly #hellos = new Map<number, string>();
  readonly #credits = new Map<number, number>();
  #outbox: Uint8Array<ArrayBuffer>[] = [];
  #nextChannel = 0;
  #closed = false;

  constructor(port: FramePort, owner: ConnectionOwner, options: ConnectionOptions) {
    this.#port = port;
    this.#owner = owner;
    this.#options = options;
  }

  /** Channels, and hellos that wait, for tests of leaks. */
  get channels(): number {
    return this.#receiving.size + this.#sending.size + this.#hellos.size;
  }

  /** Consumer's side: opens a channel to the producer that `key` names. */
  open(key: string, channel: InputChannel): void {
    const id = this.#nextChannel++;
    const decoder = new BatchDecoder();
    const receiving: Receiving = { channel, sequence: 0, credit: channel.initialCredit };
    this.#receiving.set(id, receiving);
    channel.connect({
      grantCredit: (credit) => {
        if (!this.#closed) {
          receiving.credit += credit;
          this.#credits.set(id, (this.#credits.get(id) ?? 0) + credit);
          this.#owner.dirty(this);
        }
      },
      decode: (encoded) => decoder.decode(encoded),
      close: () => {
        this.#receiving.delete(id);
        this.#credits.delete(id);
        this.#control('cancel', id);
      },
    });
    this.#control('hello', id, encodeChannelHello({ key, credit: channel.initialCredit }));
  }

  /** Producer's side: the channel that said hello feeds from `output`. */
  accept(id: number, output: OutputChannel, credit: number, operatorName: string): void {
    this.#hellos.delete(id);
    this.#sending.set(id, { output, mostCredit: credit });
    output.connect(this.#transport(id, operatorName), credit);
  }

  /** Producer's side: there is no such channel, and never will be. */
  refuse(id: number, reason: string): void {
    this.#hellos.delete(id);
    this.#control('refuse', id, Buffer.from(reason));
  }

  /** Never throws: what is wrong with a frame breaks the channels that it concerns, not the thread. */
  receive(frame: Uint8Array): void {
    let header: FrameHeader | undefined;
    try {
      header = readFrameHeader(frame, this.#options.checksums);
      this.#received(header, frame.subarray(FRAME_HEADER_BYTES));
    } catch (thrown) {
      const isElement = header?.type === 'data' || header?.type === 'event';
      if (header !== undefined && isElement && this.#isOfOtherSide(header.type)) {
        this.#break(header.channel, messageOf(thrown));
      } else {
        this.#violated(messageOf(thrown));
      }
    }
  }

  /** The port has room again: what waits for it goes on. */
  drained(): void {
    for (const { output } of this.#sending.values()) {
      output.addCredit(0);
    }
  }

  #received(header: FrameHeader, payload: Uint8Array): void {
    const { channel, type } = header;
    if (!this.#isOfOtherSide(type)) {
      throw new MillraceError('CORRUPT_DATA', `a frame of type '${type}' came from the wrong side`);
    }
    switch (type) {
      case 'data':
      case 'event':
        return this.#receiveElement(header, payload);
      case 'hello':
        return this.#receiveHello(channel, payload);
      case 'credit':
        return this.#receiveCredit(channel, payload);
      case 'cancel':
        return this.#cancelled(channel);
      case 'close':
        // The producer's task failed or was cancelled. The JobManager knows why, and ends this task with its region; an
        // error of its own here could be taken for the cause.
        this.#receiving.delete(channel);
        return;
      case 'refuse':
        return this.#break(channel, Buffer.from(payload.subarray(0, 1000)).toString());
    }
  }

  /** Whether the other side may send such frames at all. */
  #isOfOtherSide(type: FrameType): boolean {
    const { side } = this.#options;
    const isOfConsumer = type === 'hello' || type === 'credit' || type === 'cancel';
    return side === 'both' || isOfConsumer === (side === 'producers');
  }

  /** Sends what the last turn left: credits too, they are what the peer may wait for. */
  flush(): void {
    for (const [id, credit] of this.#credits) {
      this.#outbox.push(makeFrame('credit', id, 0, encodeCredit(credit), this.#options.checksums));
    }
    this.#credits.clear();
    if (this.#outbox.length > 0) {
      const frames = this.#outbox;
      this.#outbox = [];
      this.#port.post(frames);
    }
  }

  /** Every channel to or from the peer breaks, on this side; returns how many had a task here. */
  broken(reason: string, lostInstanceId?: string): number {
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
      channel.broken(reason, lostInstanceId);
    }
    for (const { output } of sending) {
      const lost = lostInstanceId === undefined ? {} : { lostInstanceId };
      output.broken(new MillraceError('CHANNEL_LOST', `lost a receiver: ${reason}`, { retryable: true, ...lost }));
    }
    return receiving.length + sending.length;
  }

  /** Sends what waits, then ends the connection. */
  close(): void {
    if (!this.#closed) {
      this.flush();
      this.#closed = true;
      this.#port.close();
    }
  }

  #receiveHello(id: number, payload: Uint8Array): void {
    const { key, credit } = decodeChannelHello(payload);
    if (this.#hellos.has(id) || this.#sending.has(id) || this.#hellos.size + this.#sending.size >= MOST_CHANNELS) {
      throw new MillraceError('CORRUPT_DATA', `a second hello for channel ${id}, or one too many`);
    }
    this.#hellos.set(id, key);
    this.#owner.hello(this, id, key, credit);
  }

  #receiveCredit(id: number, payload: Uint8Array): void {
    const credit = decodeCredit(payload);
    const sending = this.#sending.get(id);
    if (sending === undefined) {
      return; // the last batch of the partition was taken
    }
    if (sending.output.credit + credit > sending.mostCredit) {
      throw new MillraceError('CORRUPT_DATA', `channel ${id} was granted more credit than it began with`);
    }
    sending.output.addCredit(credit);
  }

  #receiveElement(header: FrameHeader, payload: Uint8Array): void {
    const receiving = this.#receiving.get(header.channel);
    if (receiving === undefined) {
      return; // closed by the consumer while the frame was on its way
    }
    if (header.sequence !== receiving.sequence) {
      return this.#outOfStep(header, `frame ${header.sequence} came where ${receiving.sequence} was due`);
    }
    receiving.sequence = (receiving.sequence + 1) >>> 0;
    if (header.type === 'data') {
      if (receiving.credit === 0) {
        return this.#outOfStep(header, 'a batch came without credit for it');
      }
      receiving.credit--;
      receiving.channel.receive({ encoded: payload });
      return;
    }
    const event = decodeEvent(payload);
    if (event.kind === 'end-of-partition') {
      this.#receiving.delete(header.channel);
    }
    receiving.channel.receive(event);
  }

  /** Between threads it is this channel's fault, over TCP frames were lost or made up: no channel can be trusted. */
  #outOfStep({ channel }: FrameHeader, reason: string): void {
    if (this.#port.abort === undefined) {
      this.#break(channel, reason);
    } else {
      this.#violated(reason);
    }
  }

  /** The other side does not keep to the protocol. */
  #violated(reason: string): void {
    if (this.#port.abort === undefined) {
      this.broken(reason);
    } else {
      this.#port.abort(reason);
    }
  }

  #break(id: number, reason: string): void {
    const receiving = this.#receiving.get(id);
    this.#receiving.delete(id);
    receiving?.channel.broken(reason);
  }

  #cancelled(id: number): void {
    const sending = this.#sending.get(id);
    this.#sending.delete(id);
    sending?.output.abandoned();
    const key = this.#hellos.get(id);
    if (key !== undefined) {
      this.#hellos.delete(id);
      this.#owner.helloCancelled(this, key);
    }
  }

  #transport(id: number, operatorName: string): ChannelTransport {
    const encoder = new BatchEncoder({ headroom: FRAME_HEADER_BYTES, operatorName });
    const port = this.#port;
    const { checksums, maxFrameBytes } = this.#options;
    let sequence = 0;
    const next = (): number => {
      const own = sequence;
      sequence = (sequence + 1) >>> 0;
      return own;
    };
    return {
      get isCongested() {
        return port.isCongested;
      },
      deliver: (batch: Batch) => {
        const frame = encoder.encode(batch.values, batch.timestamps as readonly number[] | undefined, batch.count);
        if (frame.byteLength > maxFrameBytes) {
          throw new MillraceError(
            'BAD_RECORD',
            `a batch of operator '${operatorName}' takes ${frame.byteLength} bytes; ` +
              `${maxFrameBytes} can be sent at once: split its records`,
          );
        }
        writeFrameHeader(frame, 'data', id, next(), checksums);
        this.#post(frame);
      },
      deliverEvent: (event) => {
        this.#post(makeFrame('event', id, next(), encodeEvent(event), checksums));
        if (event.kind === 'end-of-partition') {
          this.#sending.delete(id);
        }
      },
      close: () => {
        if (this.#sending.delete(id)) {
          this.#control('close', id);
        }
      },
    };
  }

  #control(type: FrameType, id: number, payload: Uint8Array = NOTHING): void {
    this.#post(makeFrame(type, id, 0, payload, this.#options.checksums));
  }

  #post(frame: Uint8Array<ArrayBuffer>): void {
    if (!this.#closed) {
      this.#outbox.push(frame);
      this.#owner.dirty(this);
    }
  }
}
