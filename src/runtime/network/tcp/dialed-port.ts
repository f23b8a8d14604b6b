import type { Socket } from 'node:net';
import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { threadTitle } from '../../../foundation/common/data-location.ts';
import type { DataLocation } from '../../../foundation/common/data-location.ts';
import { messageOf } from '../../../foundation/common/errors.ts';
import type { FramePort, PortEvents } from '../frame-port.ts';
import { HelloReader, decodeAnswer, encodeHello } from './connection-hello.ts';
import type { DataPlaneLimits, TcpOptions } from './data-plane-settings.ts';
import { SocketPort } from './socket-port.ts';
import { openSocket } from './sockets.ts';

export interface DialedPortOptions {
  readonly tcp: TcpOptions;
  readonly limits: DataPlaneLimits;
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  /** Called when its sockets are closed and there will be no other. */
  readonly closed: () => void;
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/**
 * A consumer's connection to the thread of its producers. A thread that starts again, or a process that is busy, answers
 * late: who is refused or not answered tries again until `connectTimeoutMs` is over. An answer that this is somebody else
 * ends it at once.
 */
export class DialedPort implements FramePort {
  readonly #location: DataLocation;
  readonly #events: PortEvents;
  readonly #options: DialedPortOptions;
  readonly #deadlineMs: number;
  #socket: Socket | undefined;
  #port: SocketPort | undefined;
  /** What was posted before the connection stood: hellos of channels. */
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #timer: TimerHandle | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #isOver = false;

  constructor(location: DataLocation, events: PortEvents, options: DialedPortOptions) {
    this.#location = location;
    this.#events = events;
    this.#options = options;
    this.#deadlineMs = options.clock.monotonic() + options.limits.connectTimeoutMs;
    this.#try();
  }

  get isCongested(): boolean {
    return this.#port?.isCongested ?? false;
  }

  post(frames: readonly Uint8Array<ArrayBuffer>[]): void {
    if (this.#port !== undefined) {
      this.#port.post(frames);
    } else if (!this.#isOver) {
      frames.forEach((frame) => this.#waiting.push(frame));
    }
  }

  abort(reason: string): void {
    this.#port?.abort(reason);
  }

  close(): void {
    this.#isOver = true;
    if (this.#port === undefined) {
      this.#stop();
    } else {
      this.#port.close();
    }
  }

  #try(): void {
    const { tcp, limits, clock } = this.#options;
    const reader = new HelloReader();
    let problem: string | undefined;
    const socket = openSocket(
      this.#location,
      tcp.tls,
      () => socket.write(encodeHello({ clusterId: tcp.clusterId, from: tcp.own, to: this.#location })),
      (bytes) => {
        if (this.#port !== undefined) {
          this.#port.received(bytes);
        } else if (!this.#isOver) {
          this.#answered(reader, bytes);
        }
      },
    );
    this.#socket = socket;
    this.#timer = clock.after(limits.handshakeTimeoutMs, () => {
      problem = `no answer within ${limits.handshakeTimeoutMs} ms`;
      socket.destroy();
    });
    socket.on('error', (error) => {
      problem = messageOf(error);
    });
    socket.once('close', () => {
      this.#timer?.cancel();
      this.#ended(problem);
    });
  }

  #answered(reader: HelloReader, bytes: Uint8Array): void {
    try {
      const message = reader.push(bytes);
      if (message === undefined) {
        return;
      }
      const { verdict, reason } = decodeAnswer(message.body);
      if (verdict === 'accepted') {
        this.#establish(message.rest);
      } else if (verdict === 'busy') {
        this.#socket?.destroy(new Error(reason));
      } else {
        this.#giveUp(`refused: ${reason}`);
      }
    } catch (thrown) {
      this.#giveUp(messageOf(thrown));
    }
  }

  #establish(rest: Uint8Array): void {
    this.#timer?.cancel();
    const { clock, limits, maxFrameBytes, tcp } = this.#options;
    const port = new SocketPort(this.#socket!, this.#events, {
      title: `the connection from ${threadTitle(tcp.own)} to ${this.#target}`,
      clock,
      maxFrameBytes,
      waitingBytes: limits.waitingBytes,
    });
    this.#port = port;
    port.post(this.#waiting);
    this.#waiting = [];
    port.received(rest);
  }

  /** The socket is closed. */
  #ended(problem: string | undefined): void {
    const { clock, limits, closed } = this.#options;
    if (this.#port !== undefined) {
      closed();
      this.#port.ended(problem ?? 'the other side closed it');
    } else if (this.#isOver) {
      closed();
    } else if (clock.monotonic() + this.#pauseMs > this.#deadlineMs) {
      this.#giveUp(`for ${limits.connectTimeoutMs} ms, at last: ${problem ?? 'it was closed without an answer'}`);
    } else {
      this.#timer = clock.after(this.#pauseMs, () => this.#try());
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  #giveUp(reason: string): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#stop();
      this.#events.lost(`${threadTitle(this.#options.tcp.own)} could not connect to ${this.#target}: ${reason}`);
    }
  }

  /** Between two tries there is a timer and no socket. */
  #stop(): void {
    this.#waiting = [];
    this.#timer?.cancel();
    const socket = this.#socket;
    if (socket === undefined || socket.closed) {
      this.#options.closed();
    } else {
      socket.destroy();
    }
  }

  get #target(): string {
    const { host, port } = this.#location;
    return `${threadTitle(this.#location)} (${host}:${port})`;
  }
}
