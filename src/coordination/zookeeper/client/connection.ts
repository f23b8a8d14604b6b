import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { FrameSplitter } from './frame-splitter.ts';
import { readWelcome, writeHello, type Hello, type Welcome } from './handshake.ts';
import { JuteReader, UnreadableError } from './jute-reader.ts';
import type { Reply } from './request.ts';
import { SilenceTimer } from './silence-timer.ts';
import type { Link, ServerAddress, Transport } from './transport.ts';
import { OP, XID } from './wire-codes.ts';

/** How a question on a connection ends. */
export interface Asked {
  /** Throws `UnreadableError` if it cannot read it. */
  answered(reply: Reply): void;
  /** `isUnreadable`: it was answered, in a way that nobody understands. */
  lost(problem: string, isUnreadable: boolean): void;
}

/** Called in turns of the link or the clock. After `closed` nothing is called. */
export interface ConnectionListener {
  welcomed(welcome: Welcome): void;
  /** Throws `UnreadableError` if it cannot read it. */
  notified(body: JuteReader): void;
  /** With each answer, before whoever asked hears of it. */
  reached(zxid: bigint): void;
  /** All that was asked has been told that it is lost. `wasSilent`: there was no welcome in time. */
  closed(problem: string, wasSilent: boolean): void;
}

export interface ConnectionOptions {
  readonly transport: Transport;
  readonly server: ServerAddress;
  readonly hello: Hello;
  /** Until the welcome. */
  readonly handshakeTimeoutMs: number;
  readonly frameBytesMax: number;
  readonly clock: Clock;
}

interface InFlight {
  readonly xid: number;
  readonly asked: Asked;
}

const XID_MAX = 2 ** 31 - 1;
const HEADER_BYTES = 8;

/**
 * One connection to one server: the handshake, frames, which answer is for which question, pings. Questions are answered in their
 * order, but for identities, which a server takes in when it reads them.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #listener: ConnectionListener;
  readonly #frames: FrameSplitter;
  readonly #link: Link;
  readonly #inFlight: InFlight[] = [];
  /** Where the next answer's question is; moved instead of the elements. */
  #oldest = 0;
  readonly #identities: InFlight[] = [];
  #xid = 0;
  #phase: 'opening' | 'greeting' | 'open' | 'over' = 'opening';
  #handshakeTimer: TimerHandle | undefined;
  #silence: SilenceTimer | undefined;
  #unsent: Uint8Array[] = [];

  constructor(options: ConnectionOptions, listener: ConnectionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#frames = new FrameSplitter(options.frameBytesMax);
    this.#link = options.transport.open(options.server, {
      opened: () => this.#greet(),
      received: (chunk) => this.#receive(chunk),
      closed: (problem) => this.#close(problem ?? 'closed by the server'),
    });
    this.#handshakeTimer = options.clock.after(options.handshakeTimeoutMs, () =>
      this.#close(`no welcome within ${Math.round(options.handshakeTimeoutMs)} ms`, { wasSilent: true }),
    );
  }

  /** Only after the welcome. What was asked in one turn goes out together at its end. */
  ask(op: number, body: Uint8Array, asked: Asked): void {
    const xid = op === OP.setWatches || op === OP.setWatches2 ? XID.setWatches : this.#nextXid();
    this.#inFlight.push({ xid, asked });
    this.#write(xid, op, body);
  }

  /** Hands in an identity. */
  identify(body: Uint8Array, asked: Asked): void {
    this.#identities.push({ xid: XID.auth, asked });
    this.#write(XID.auth, OP.auth, body);
  }

  /** Does not wait for the end of the turn. */
  flush(): void {
    const unsent = this.#unsent;
    if (unsent.length > 0 && this.#phase !== 'over') {
      this.#unsent = [];
      this.#link.send(unsent.length === 1 ? unsent[0]! : Buffer.concat(unsent));
    }
  }

  /** The server is not told; whoever asked is, the listener is not. */
  destroy(problem: string): void {
    this.#end(problem, false);
  }

  #greet(): void {
    if (this.#phase === 'opening') {
      this.#phase = 'greeting';
      this.#link.send(framed(writeHello(this.#options.hello)));
    }
  }

  #receive(chunk: Uint8Array): void {
    this.#silence?.heard();
    this.#frames.push(chunk);
    try {
      for (
        let frame = this.#isOver ? undefined : this.#frames.next();
        frame !== undefined;
        frame = this.#isOver ? undefined : this.#frames.next()
      ) {
        this.#handle(frame);
      }
    } catch (error) {
      if (!(error instanceof UnreadableError)) {
        throw error;
      }
      this.#close(`unreadable: ${error.message}`, { isUnreadable: true });
    }
  }

  get #isOver(): boolean {
    return this.#phase === 'over';
  }

  #handle(frame: Uint8Array): void {
    if (this.#phase === 'open') {
      this.#handleReply(new JuteReader(frame));
      return;
    }
    if (this.#phase === 'opening') {
      throw new UnreadableError('a frame before the hello');
    }
    const welcome = readWelcome(frame);
    this.#handshakeTimer?.cancel();
    this.#phase = 'open';
    if (welcome.timeoutMs > 0) {
      this.#silence = new SilenceTimer(this.#options.clock, welcome.timeoutMs, {
        idle: () => this.#write(XID.ping, OP.ping, NOTHING),
        silent: (forMs) => this.#close(`nothing heard for ${Math.round(forMs)} ms`),
      });
    }
    this.#listener.welcomed(welcome);
  }

  #handleReply(reader: JuteReader): void {
    const xid = reader.int();
    const zxid = reader.long();
    const error = reader.int();
    if (xid === XID.notification) {
      this.#listener.notified(reader);
      return;
    }
    if (zxid > 0n) {
      this.#listener.reached(zxid);
    }
    if (xid === XID.ping) {
      return;
    }
    const asked = xid === XID.auth ? this.#identities.shift()?.asked : this.#takeOldest(xid);
    if (asked === undefined) {
      throw new UnreadableError(`an answer to ${xid}, which was not asked next`);
    }
    try {
      asked.answered({ zxid, error, body: reader });
    } catch (thrown) {
      if (!(thrown instanceof UnreadableError)) {
        throw thrown;
      }
      // The frame ended where it said: the next one can be read.
      asked.lost(thrown.message, true);
    }
  }

  #takeOldest(xid: number): Asked | undefined {
    const oldest = this.#inFlight[this.#oldest];
    if (oldest?.xid !== xid) {
      return undefined;
    }
    this.#oldest++;
    if (this.#oldest > 1_000 && this.#oldest * 2 > this.#inFlight.length) {
      this.#inFlight.splice(0, this.#oldest);
      this.#oldest = 0;
    }
    return oldest.asked;
  }

  #nextXid(): number {
    this.#xid = this.#xid === XID_MAX ? 1 : this.#xid + 1;
    return this.#xid;
  }

  #write(xid: number, op: number, body: Uint8Array): void {
    if (this.#isOver) {
      return;
    }
    const frame = Buffer.alloc(4 + HEADER_BYTES + body.length);
    frame.writeInt32BE(HEADER_BYTES + body.length, 0);
    frame.writeInt32BE(xid, 4);
    frame.writeInt32BE(op, 8);
    frame.set(body, 4 + HEADER_BYTES);
    this.#silence?.said();
    this.#unsent.push(frame);
    if (this.#unsent.length === 1) {
      queueMicrotask(() => this.flush());
    }
  }

  #close(problem: string, { isUnreadable = false, wasSilent = false } = {}): void {
    if (!this.#isOver) {
      this.#end(problem, isUnreadable);
      this.#listener.closed(problem, wasSilent);
    }
  }

  /** `isUnreadable`: what came last, so the answer to the oldest question. */
  #end(problem: string, isUnreadable: boolean): void {
    if (this.#isOver) {
      return;
    }
    this.#phase = 'over';
    this.#handshakeTimer?.cancel();
    this.#silence?.stop();
    this.#link.destroy();
    this.#unsent = [];
    const lost = [...this.#identities.splice(0), ...this.#inFlight.splice(0).slice(this.#oldest)];
    for (const [at, { asked }] of lost.entries()) {
      asked.lost(problem, isUnreadable && at === 0);
    }
  }
}

const NOTHING = new Uint8Array(0);

const framed = (body: Uint8Array): Uint8Array => {
  const frame = Buffer.alloc(4 + body.length);
  frame.writeInt32BE(body.length, 0);
  frame.set(body, 4);
  return frame;
};
