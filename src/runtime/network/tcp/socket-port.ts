import type { Socket } from 'node:net';
import type { Clock } from '../../../foundation/common/clock.ts';
import { messageOf } from '../../../foundation/common/errors.ts';
import type { FramePort, PortEvents } from '../frame-port.ts';
import { FrameParser } from './frame-parser.ts';

export interface SocketPortOptions {
  /** Names both sides, for messages. */
  readonly title: string;
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  readonly waitingBytes: number;
}

/** Orderly: this long for what waits to leave, and for the other side to close. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Frames over a socket whose hello is done. */
export class SocketPort implements FramePort {
  readonly #socket: Socket;
  readonly #events: PortEvents;
  readonly #options: SocketPortOptions;
  readonly #parser: FrameParser;
  #state: 'open' | 'closing' | 'lost' = 'open';
  #isCongested = false;

  constructor(socket: Socket, events: PortEvents, options: SocketPortOptions) {
    this.#socket = socket;
    this.#events = events;
    this.#options = options;
    this.#parser = new FrameParser(options.maxFrameBytes, (frame) => {
      // A frame of the same bytes may have ended the connection.
      if (this.#state === 'open') {
        events.frame(frame);
      }
    });
    socket.on('drain', () => {
      if (this.#isCongested) {
        this.#isCongested = false;
        events.drained();
      }
    });
  }

  get isCongested(): boolean {
    return this.#isCongested;
  }

  post(frames: readonly Uint8Array<ArrayBuffer>[]): void {
    if (this.#state !== 'open') {
      return;
    }
    const socket = this.#socket;
    // One system call for all of them.
    socket.cork();
    for (const frame of frames) {
      socket.write(frame);
    }
    socket.uncork();
    // Below its own mark the socket tells nobody that it has drained.
    this.#isCongested = socket.writableNeedDrain && socket.writableLength > this.#options.waitingBytes;
  }

  received(bytes: Uint8Array): void {
    if (this.#state !== 'open') {
      return;
    }
    try {
      this.#parser.push(bytes);
    } catch (thrown) {
      this.abort(messageOf(thrown));
    }
  }

  /** The socket is closed. */
  ended(reason: string): void {
    if (this.#state === 'open') {
      this.#state = 'lost';
      this.#events.lost(`${this.#options.title} broke: ${reason}`);
    }
  }

  abort(reason: string): void {
    this.#socket.destroy();
    this.ended(reason);
  }

  close(): void {
    if (this.#state !== 'open') {
      return;
    }
    this.#state = 'closing';
    const timer = this.#options.clock.after(CLOSE_TIMEOUT_MS, () => this.#socket.destroy());
    this.#socket.once('close', () => timer.cancel());
    this.#socket.end();
  }
}
