import type { ConnectionOwner, FramePort } from './frame-connection.ts';
import { FrameConnection } from './frame-connection.ts';
import type { InputChannel } from './input-channel.ts';
import type { OutputChannel } from './output-channel.ts';

interface Producer {
  readonly output: OutputChannel;
  readonly operatorName: string;
}

interface WaitingHello {
  /** `undefined`: of a consumer in this thread. */
  readonly from: FrameConnection | undefined;
  readonly connect: (producer: Producer) => void;
}

/** Hellos of consumers whose producer is not deployed yet; more mean that somebody invents channels. */
const WAITING_LIMIT = 1_000_000;

/**
 * The data plane of one thread: its channels by key (`producer attempt # edge # consumer attempt`, so that attempts of
 * two generations never meet, I10), and its connections to other threads.
 */
export class Exchange implements ConnectionOwner {
  readonly threadIndex: number;
  readonly #connections = new Map<number, FrameConnection>();
  readonly #producers = new Map<string, Producer>();
  readonly #waiting = new Map<string, WaitingHello>();
  readonly #dirty = new Set<FrameConnection>();
  readonly #onDirty: () => void;

  /** `onDirty` asks for a `flush` at the end of the turn. */
  constructor(threadIndex: number, onDirty: () => void) {
    this.threadIndex = threadIndex;
    this.#onDirty = onDirty;
  }

  addPeer(peer: number, port: FramePort): FrameConnection {
    const connection = new FrameConnection(peer, port, this, { checksums: false });
    this.#connections.set(peer, connection);
    return connection;
  }

  removePeer(peer: number, reason: string): void {
    const connection = this.#connections.get(peer);
    this.#connections.delete(peer);
    if (connection !== undefined) {
      this.#dirty.delete(connection);
      connection.broken(reason);
      connection.close();
    }
  }

  registerProducer(key: string, producer: Producer): void {
    this.#producers.set(key, producer);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      this.#waiting.delete(key);
      waiting.connect(producer);
    }
  }

  /** Connects to a producer in this thread or in that of a peer. */
  registerConsumer(key: string, channel: InputChannel, producerThread: number): void {
    if (producerThread !== this.threadIndex) {
      const connection = this.#connections.get(producerThread);
      if (connection === undefined) {
        channel.broken(`there is no connection to thread ${producerThread}`);
        return;
      }
      connection.open(key, channel);
      return;
    }
    this.#meet(key, undefined, (producer) => this.#connectLocally(producer.output, channel));
  }

  /**
   * The task of this channel ended. One that finished has delivered everything, any other has closed its outputs; where
   * neither is so, the producer's end is forgotten when everything has gone.
   */
  release(key: string): void {
    this.#waiting.delete(key);
    this.#producers.get(key)?.output.whenClosed(() => this.#producers.delete(key));
  }

  hello(connection: FrameConnection, channel: number, key: string, credit: number): void {
    this.#meet(key, connection, (producer) =>
      connection.accept(channel, producer.output, credit, producer.operatorName),
    );
  }

  helloCancelled(connection: FrameConnection, key: string): void {
    if (this.#waiting.get(key)?.from === connection) {
      this.#waiting.delete(key);
    }
  }

  dirty(connection: FrameConnection): void {
    this.#dirty.add(connection);
    this.#onDirty();
  }

  /** Sends what all tasks of this turn wrote. */
  flush(): void {
    for (const connection of this.#dirty) {
      this.#dirty.delete(connection);
      connection.flush();
    }
  }

  /** How much is held here, for tests of leaks. */
  get size(): number {
    return this.#producers.size + this.#waiting.size;
  }

  close(): void {
    for (const connection of this.#connections.values()) {
      connection.close();
    }
    this.#connections.clear();
  }

  #meet(key: string, from: FrameConnection | undefined, connect: (producer: Producer) => void): void {
    const producer = this.#producers.get(key);
    if (producer !== undefined) {
      connect(producer);
      return;
    }
    if (this.#waiting.size >= WAITING_LIMIT) {
      const oldest = this.#waiting.keys().next().value;
      this.#waiting.delete(oldest!);
    }
    this.#waiting.set(key, { from, connect });
  }

  /** In one thread nothing is encoded: the consumer gets the very batch. */
  #connectLocally(output: OutputChannel, channel: InputChannel): void {
    channel.connect({
      grantCredit: (credit) => output.addCredit(credit),
      decode: () => {
        throw new TypeError('a local batch is never encoded');
      },
      close: () => output.abandoned(),
    });
    output.connect(
      {
        deliver: (batch) => channel.receive(batch),
        deliverEvent: (event) => channel.receive(event),
        close: () => {}, // as with a frame: the JobManager ends the consumer
      },
      channel.initialCredit,
    );
  }
}
