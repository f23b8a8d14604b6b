import { threadTitle } from '../../foundation/common/data-location.ts';
import type { DataLocation, RemoteThread } from '../../foundation/common/data-location.ts';
import type { ConnectionOptions, ConnectionOwner } from './frame-connection.ts';
import { FrameConnection } from './frame-connection.ts';
import type { DataPlane, FramePort, PortEvents } from './frame-port.ts';
import type { InputChannel } from './input-channel.ts';
import type { OutputChannel } from './output-channel.ts';

interface Producer {
  readonly output: OutputChannel;
  readonly operatorName: string;
}

/** Where a consumer finds its producer: in a thread of this process, or elsewhere. */
export type ProducerPlace =
  | { readonly kind: 'thread'; readonly thread: number }
  | { readonly kind: 'remote'; readonly location: DataLocation };

interface WaitingHello {
  /** `undefined`: of a consumer in this thread. */
  readonly from: FrameConnection | undefined;
  readonly connect: (producer: Producer) => void;
}

export interface ExchangeOptions {
  /** Missing: no thread of another process is ever met. */
  readonly dial?: DataPlane['dial'];
  /** A connection broke that had channels. */
  readonly connectionLost?: (remote: RemoteThread, reason: string) => void;
}

/** Hellos of consumers whose producer is not deployed yet; more mean that somebody invents channels. */
const WAITING_LIMIT = 1_000_000;
/** A larger batch is refused where it is made. Between threads nothing has to be read into memory in one piece. */
export const MAX_REMOTE_FRAME_BYTES = 256 * 1_048_576;

const BETWEEN_THREADS: ConnectionOptions = { checksums: false, side: 'both', maxFrameBytes: 0xffff_ffff };
const BETWEEN_PROCESSES = { checksums: true, maxFrameBytes: MAX_REMOTE_FRAME_BYTES };

/**
 * The data plane of one thread: its channels by key (`producer attempt # edge # consumer attempt`, so that attempts of
 * two generations never meet, I10), and its connections to other threads. To a thread of another process it has one
 * connection for all its consumers, and one from it for all its producers: whoever consumes connects, so two threads that
 * need each other at the same moment need no rule about whose connection counts, and an end knows which frames to expect.
 */
export class Exchange implements ConnectionOwner {
  readonly threadIndex: number;
  readonly #threads = new Map<number, FrameConnection>();
  /** To producers in other processes, by instance and thread. */
  readonly #dialed = new Map<string, FrameConnection>();
  /** From consumers in other processes. */
  readonly #accepted = new Set<FrameConnection>();
  readonly #producers = new Map<string, Producer>();
  readonly #waiting = new Map<string, WaitingHello>();
  readonly #dirty = new Set<FrameConnection>();
  readonly #onDirty: () => void;
  readonly #options: ExchangeOptions;

  /** `onDirty` asks for a `flush` at the end of the turn. */
  constructor(threadIndex: number, onDirty: () => void, options: ExchangeOptions = {}) {
    this.threadIndex = threadIndex;
    this.#onDirty = onDirty;
    this.#options = options;
  }

  addPeer(peer: number, port: FramePort): FrameConnection {
    const connection = new FrameConnection(port, this, BETWEEN_THREADS);
    this.#threads.set(peer, connection);
    return connection;
  }

  removePeer(peer: number, reason: string): void {
    const connection = this.#threads.get(peer);
    this.#threads.delete(peer);
    if (connection !== undefined) {
      this.#dirty.delete(connection);
      connection.broken(reason);
      connection.close();
    }
  }

  /** Consumers in a thread of another process have connected. */
  accept(peer: RemoteThread, port: FramePort): PortEvents {
    const connection = new FrameConnection(port, this, { ...BETWEEN_PROCESSES, side: 'producers' });
    this.#accepted.add(connection);
    return this.#eventsOf(
      () => connection,
      peer,
      () => this.#accepted.delete(connection),
    );
  }

  registerProducer(key: string, producer: Producer): void {
    this.#producers.set(key, producer);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      this.#waiting.delete(key);
      waiting.connect(producer);
    }
  }

  /** Connects to a producer in this thread, in another one of this process, or in another process. */
  registerConsumer(key: string, channel: InputChannel, producer: ProducerPlace): void {
    if (producer.kind === 'remote') {
      this.#remote(producer.location, channel)?.open(key, channel);
      return;
    }
    if (producer.thread !== this.threadIndex) {
      const connection = this.#threads.get(producer.thread);
      if (connection === undefined) {
        channel.broken(`there is no connection to thread ${producer.thread}`);
        return;
      }
      connection.open(key, channel);
      return;
    }
    this.#meet(key, undefined, (met) => this.#connectLocally(met.output, channel));
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
    const isTaken = this.#producers.get(key)?.output.hasReceiver === true || this.#waiting.has(key);
    if (isTaken) {
      connection.refuse(channel, `the partition ${key} has a consumer already`);
      return;
    }
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

  /** How many connections with other processes there are, for tests of leaks. */
  get remoteConnections(): number {
    return this.#dialed.size + this.#accepted.size;
  }

  /** Channels of these connections, for tests of leaks. */
  get remoteChannels(): number {
    return [...this.#dialed.values(), ...this.#accepted].reduce((sum, { channels }) => sum + channels, 0);
  }

  close(): void {
    for (const connections of [this.#threads, this.#dialed, this.#accepted]) {
      for (const connection of connections.values()) {
        connection.close();
      }
      connections.clear();
    }
    this.#dirty.clear();
  }

  #remote(location: DataLocation, channel: InputChannel): FrameConnection | undefined {
    const { dial } = this.#options;
    const name = `${location.instanceId}/${location.thread}`;
    const known = this.#dialed.get(name);
    if (known !== undefined) {
      return known;
    }
    if (dial === undefined) {
      channel.broken(`this process reaches no other, so not ${threadTitle(location)}`, location.instanceId);
      return undefined;
    }
    let connection: FrameConnection | undefined = undefined;
    const forget = (): void => void this.#dialed.delete(name);
    const port = dial(
      location,
      this.#eventsOf(() => connection!, location, forget),
    );
    connection = new FrameConnection(port, this, { ...BETWEEN_PROCESSES, side: 'consumers' });
    this.#dialed.set(name, connection);
    return connection;
  }

  #eventsOf(connection: () => FrameConnection, remote: RemoteThread, forget: () => void): PortEvents {
    return {
      frame: (frame) => connection().receive(frame),
      drained: () => connection().drained(),
      lost: (reason) => {
        // First: a task that fails over this connection may open channels to the same thread again.
        forget();
        this.#dirty.delete(connection());
        if (connection().broken(reason, remote.instanceId) > 0) {
          const { instanceId, thread } = remote;
          this.#options.connectionLost?.({ instanceId, thread }, reason);
        }
      },
    };
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
        isCongested: false,
        deliver: (batch) => channel.receive(batch),
        deliverEvent: (event) => channel.receive(event),
        close: () => {}, // as with a frame: the JobManager ends the consumer
      },
      channel.initialCredit,
    );
  }
}
