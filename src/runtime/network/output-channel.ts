import { RingQueue } from '../../foundation/common/ring-queue.ts';
import { supersedes } from './stream-element.ts';
import type { Batch, StreamEvent } from './stream-element.ts';

/** How elements get to the receiving end: by reference in a thread, encoded elsewhere. */
export interface ChannelTransport {
  /** The way to the receiver is full, whatever credit there is; `addCredit` follows when it is not. */
  readonly isCongested: boolean;
  deliver(batch: Batch): void;
  deliverEvent(event: StreamEvent): void;
  close(): void;
}

/** The task that writes into the channel. */
export interface OutputChannelOwner {
  /** The last waiting element went out, or was dropped because the receiver is gone. */
  drained(): void;
  /** An element that waited could not be sent, or the other end was lost. The channel is closed. */
  failed(error: unknown): void;
}

/** More than this waiting for credit means that the task did not stop when it was told to. */
const PENDING_LIMIT = 1_000_000;

/**
 * The sending end of a channel under credit-based flow control: a batch costs one credit, which the receiver grants;
 * events cost none but keep their place. Until the receiver has said hello everything waits.
 */
export class OutputChannel {
  readonly #pending = new RingQueue<Batch | StreamEvent>(PENDING_LIMIT);
  readonly #owner: OutputChannelOwner;
  #transport: ChannelTransport | undefined;
  #credit = 0;
  #closed = false;
  #whenClosed: (() => void)[] = [];

  constructor(owner: OutputChannelOwner) {
    this.#owner = owner;
  }

  /** True while something waits for credit: the task takes no further batch. */
  get isBlocked(): boolean {
    return this.#pending.size > 0;
  }

  /** A receiver has connected. */
  get hasReceiver(): boolean {
    return this.#transport !== undefined;
  }

  get credit(): number {
    return this.#credit;
  }

  /** The receiver is there, with its first credit. Comes from a message: what cannot be sent goes to the owner. */
  connect(transport: ChannelTransport, credit: number): void {
    if (this.#closed) {
      transport.close();
      return;
    }
    this.#transport = transport;
    this.addCredit(credit);
  }

  /** Comes from a message or from another task: what cannot be sent goes to the owner. */
  addCredit(credit: number): void {
    this.#credit += credit;
    const waited = this.#pending.size > 0;
    try {
      this.#drain();
    } catch (thrown) {
      this.broken(thrown);
      return;
    }
    if (waited && this.#pending.size === 0) {
      this.#owner.drained();
    }
  }

  send(batch: Batch): void {
    if (this.#closed) {
      return;
    }
    const transport = this.#transport;
    if (transport !== undefined && this.#pending.size === 0 && this.#credit > 0 && !transport.isCongested) {
      this.#credit--;
      transport.deliver(batch);
    } else {
      this.#pending.push(batch);
    }
  }

  sendEvent(event: StreamEvent): void {
    if (this.#closed) {
      return;
    }
    const transport = this.#transport;
    if (transport !== undefined && this.#pending.size === 0 && !transport.isCongested) {
      this.#deliverEvent(transport, event);
    } else if (supersedes(event, this.#pending.peekLast())) {
      this.#pending.replaceLast(event);
    } else {
      this.#pending.push(event);
    }
  }

  /** Ends the channel at once; what waits is dropped. After the end of the partition there is nothing left to end. */
  close(): void {
    if (this.#closed) {
      return;
    }
    this.#pending.clear();
    this.#transport?.close();
    this.#transport = undefined;
    this.#setClosed();
  }

  /** The receiver is gone: what waits for it is dropped, and nobody has to wait for it any more. */
  abandoned(): void {
    const waited = this.#pending.size > 0;
    this.close();
    if (waited) {
      this.#owner.drained();
    }
  }

  /** The way to the receiver broke. */
  broken(error: unknown): void {
    if (!this.#closed) {
      this.close();
      this.#owner.failed(error);
    }
  }

  /** Runs when everything is delivered, the end of the partition included, or the channel was closed early. */
  whenClosed(run: () => void): void {
    if (this.#closed) {
      run();
    } else {
      this.#whenClosed.push(run);
    }
  }

  #deliverEvent(transport: ChannelTransport, event: StreamEvent): void {
    transport.deliverEvent(event);
    if (event.kind === 'end-of-partition') {
      this.#setClosed();
    }
  }

  #setClosed(): void {
    this.#closed = true;
    for (const run of this.#whenClosed.splice(0)) {
      run();
    }
  }

  #drain(): void {
    const transport = this.#transport;
    if (transport === undefined) {
      return;
    }
    for (let next = this.#pending.peek(); next !== undefined && !transport.isCongested; next = this.#pending.peek()) {
      if ('kind' in next) {
        this.#deliverEvent(transport, next);
      } else if (this.#credit > 0) {
        this.#credit--;
        transport.deliver(next);
      } else {
        return;
      }
      this.#pending.shift();
    }
  }
}
