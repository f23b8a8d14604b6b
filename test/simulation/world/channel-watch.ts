import type { AttemptId } from '../../../src/foundation/common/ids.ts';
import { decodeChannelHello, decodeCredit } from '../../../src/runtime/network/channel-hello.ts';
import { decodeEvent } from '../../../src/runtime/network/event-codec.ts';
import { FRAME_HEADER_BYTES, frameTypes } from '../../../src/runtime/network/frame.ts';

/** A channel between two attempts, as its frames tell. */
interface Channel {
  readonly producer: AttemptId;
  readonly consumer: AttemptId;
  /** Batches that went out, and those for which there was room again. */
  sent: number;
  granted: number;
  /** The newest checkpoint whose barrier, or whose end, went out. */
  newest: number;
}

/** A connection between two threads; frames come from one of its two sides. */
export interface Wire {
  frame(side: 0 | 1, frame: Uint8Array): void;
  /** It is gone, with its channels. */
  cut(): void;
}

/**
 * Reads what task threads say to each other: who has a channel to whom, whether each sends what the other has room for, and whether a
 * checkpoint that was begun or given up stays so (R10).
 */
export class ChannelWatch {
  readonly #violate: (invariant: string, what: string) => void;
  readonly #open = new Set<Map<string, Channel>>();
  /** All but sources, which repeat what they were told. */
  readonly #consumers = new Set<AttemptId>();

  constructor(violate: (invariant: string, what: string) => void) {
    this.#violate = violate;
  }

  wire(): Wire {
    const channels = new Map<string, Channel>();
    this.#open.add(channels);
    return {
      frame: (side, frame) => this.#frame(channels, side, frame),
      cut: () => this.#open.delete(channels),
    };
  }

  /** Producers and consumers of channels that nobody has closed. */
  get open(): readonly Pick<Channel, 'producer' | 'consumer'>[] {
    return [...this.#open].flatMap((channels) => [...channels.values()]);
  }

  #frame(channels: Map<string, Channel>, side: 0 | 1, frame: Uint8Array): void {
    const view = new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER_BYTES);
    const type = frameTypes[view.getUint8(8)];
    const number = view.getUint32(12, true);
    const payload = frame.subarray(FRAME_HEADER_BYTES);
    const isOfConsumer = type === 'hello' || type === 'credit' || type === 'cancel';
    // Whoever consumes chooses the number.
    const id = `${isOfConsumer ? side : 1 - side} ${number}`;
    const channel = channels.get(id);
    switch (type) {
      case 'hello':
        channels.set(id, this.#hello(payload));
        return;
      case 'data':
        if (channel !== undefined) {
          channel.sent++;
        }
        return;
      case 'credit':
        if (channel !== undefined) {
          channel.granted += decodeCredit(payload);
          if (channel.granted > channel.sent) {
            const { granted, sent, producer, consumer } = channel;
            this.#violate(
              'credit',
              `${consumer} has granted ${granted} batches to ${producer}, which has sent ${sent}`,
            );
          }
        }
        return;
      case 'cancel':
      case 'close':
      case 'refuse':
        channels.delete(id);
        return;
      case 'event':
        if (channel !== undefined && this.#consumers.has(channel.producer)) {
          this.#event(channel, payload);
        }
        return;
      case undefined:
    }
  }

  /** A task decides about each checkpoint once, and about a newer one later. */
  #event(channel: Channel, payload: Uint8Array): void {
    const event = decodeEvent(payload);
    if (event.kind !== 'barrier' && event.kind !== 'cancel-barrier') {
      return;
    }
    const { checkpointId, kind } = event;
    if (checkpointId <= channel.newest) {
      const what = kind === 'barrier' ? 'takes part in' : 'gives up';
      this.#violate('R10', `${channel.producer} ${what} checkpoint ${checkpointId} after ${channel.newest}`);
    }
    channel.newest = checkpointId;
  }

  #hello(payload: Uint8Array): Channel {
    const [producer = '', , consumer = ''] = decodeChannelHello(payload).key.split('#');
    const [of, to] = [startOf(producer), startOf(consumer)];
    if (of !== to) {
      this.#violate('I10', `${consumer} wants what ${producer} writes, which was not started with it`);
    }
    this.#consumers.add(consumer as AttemptId);
    return { producer: producer as AttemptId, consumer: consumer as AttemptId, sent: 0, granted: 0, newest: 0 };
  }
}

/** Job, version of its graph and generation: what attempts have in common that may exchange a buffer. */
const startOf = (attempt: string): string => {
  const [job, version, , , generation] = attempt.split('/');
  return `${job} ${version} ${generation}`;
};
