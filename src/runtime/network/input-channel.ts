import { RingQueue } from '../../foundation/common/ring-queue.ts';
import { supersedes } from './stream-element.ts';
import type { Batch, StreamEvent } from './stream-element.ts';

/** A batch that is decoded when its turn comes, on the consumer's time. */
export interface EncodedBatch {
  readonly encoded: Uint8Array;
}

export type ReceivedElement = Batch | EncodedBatch | StreamEvent;

export interface InputChannelOwner {
  /** The channel has something. */
  channelReady(channel: InputChannel): void;
  /** The connection to the other end broke before the end of the stream. */
  channelBroken(channel: InputChannel, reason: string, lostInstanceId?: string): void;
}

/** Where credit goes back to, and what turns bytes into records. */
export interface InputChannelSource {
  grantCredit(credit: number): void;
  decode(encoded: Uint8Array): Batch;
  close(): void;
}

/** Events need no credit; this many between two batches mean a broken sender. */
const EVENT_LIMIT = 100_000;

/** The receiving end of a channel: a bounded queue in front of the task. */
export class InputChannel {
  /** Its place among all channels of the task. */
  readonly index: number;
  /** The exchange it belongs to (`JobEdge.index`). */
  readonly edge: number;
  readonly initialCredit: number;
  readonly #owner: InputChannelOwner;
  readonly #queue: RingQueue<ReceivedElement>;
  #source: InputChannelSource | undefined;
  #closed = false;

  constructor(index: number, edge: number, initialCredit: number, owner: InputChannelOwner) {
    this.index = index;
    this.edge = edge;
    this.initialCredit = initialCredit;
    this.#owner = owner;
    this.#queue = new RingQueue<ReceivedElement>(initialCredit + EVENT_LIMIT, 4);
  }

  get hasElements(): boolean {
    return this.#queue.size > 0;
  }

  connect(source: InputChannelSource): void {
    this.#source = source;
  }

  receive(element: ReceivedElement): void {
    if (this.#closed) {
      return;
    }
    // Watermarks need no credit: those that the task has not come to yet must not pile up.
    if ('kind' in element && supersedes(element, this.#queue.peekLast())) {
      this.#queue.replaceLast(element);
      return;
    }
    this.#queue.push(element);
    if (this.#queue.size === 1) {
      this.#owner.channelReady(this);
    }
  }

  /** The next element; a batch taken out grants the credit for another. */
  poll(): Batch | StreamEvent | undefined {
    const element = this.#queue.shift();
    if (element === undefined || 'kind' in element) {
      return element;
    }
    const batch = 'encoded' in element ? this.#source!.decode(element.encoded) : element;
    this.#source?.grantCredit(1);
    return batch;
  }

  /** `lostInstanceId`: the TaskManager whose connection was lost. */
  broken(reason: string, lostInstanceId?: string): void {
    if (!this.#closed) {
      this.#owner.channelBroken(this, reason, lostInstanceId);
    }
  }

  close(): void {
    this.#closed = true;
    this.#queue.clear();
    this.#source?.close();
    this.#source = undefined;
  }
}
