import { RingQueue } from '../../../foundation/common/ring-queue.ts';
import { InputChannel } from '../../network/input-channel.ts';
import type { InputChannelOwner } from '../../network/input-channel.ts';
import type { Batch, StreamEvent } from '../../network/stream-element.ts';

export interface GateElement {
  readonly channel: number;
  readonly element: Batch | StreamEvent;
}

export interface GateOwner {
  wake(): void;
  fail(error: unknown): void;
}

/** `lostInstanceId`: see `MillraceError`. */
export type BrokenChannelError = (reason: string, channel: InputChannel, lostInstanceId: string | undefined) => unknown;

/** All input channels of a task, taken in turn, so that none is starved; blocked ones wait (barrier alignment). */
export class InputGate implements InputChannelOwner {
  readonly channels: readonly InputChannel[];
  readonly #owner: GateOwner;
  readonly #ready: RingQueue<InputChannel>;
  readonly #queued: boolean[];
  readonly #blocked: boolean[];
  readonly #ended: boolean[];
  readonly #broken: BrokenChannelError;

  constructor(
    channels: readonly { readonly edge: number; readonly credit: number }[],
    owner: GateOwner,
    broken: BrokenChannelError,
  ) {
    this.channels = channels.map(({ edge, credit }, index) => new InputChannel(index, edge, credit, this));
    this.#owner = owner;
    this.#broken = broken;
    this.#ready = new RingQueue(channels.length + 1, channels.length + 1);
    this.#queued = channels.map(() => false);
    this.#blocked = channels.map(() => false);
    this.#ended = channels.map(() => false);
  }

  /** The next element of any channel that is not blocked. */
  next(): GateElement | undefined {
    for (let channel = this.#ready.shift(); channel !== undefined; channel = this.#ready.shift()) {
      this.#queued[channel.index] = false;
      if (this.#blocked[channel.index]) {
        continue; // it is queued again when it is unblocked
      }
      const element = channel.poll();
      if (channel.hasElements) {
        this.#queue(channel);
      }
      if (element !== undefined) {
        return { channel: channel.index, element };
      }
    }
    return undefined;
  }

  block(channel: number): void {
    this.#blocked[channel] = true;
  }

  unblockAll(): void {
    for (const channel of this.channels) {
      if (this.#blocked[channel.index]) {
        this.#blocked[channel.index] = false;
        if (channel.hasElements) {
          this.#queue(channel);
        }
      }
    }
  }

  /** The channel delivered the end of its partition: from now on its loss is none. */
  ended(channel: number): void {
    this.#ended[channel] = true;
    this.channels[channel]!.close();
  }

  channelReady(channel: InputChannel): void {
    this.#queue(channel);
    this.#owner.wake();
  }

  channelBroken(channel: InputChannel, reason: string, lostInstanceId?: string): void {
    if (!this.#ended[channel.index]) {
      this.#owner.fail(this.#broken(reason, channel, lostInstanceId));
    }
  }

  close(): void {
    for (const channel of this.channels) {
      channel.close();
    }
  }

  #queue(channel: InputChannel): void {
    if (!this.#queued[channel.index]) {
      this.#queued[channel.index] = true;
      this.#ready.push(channel);
    }
  }
}
