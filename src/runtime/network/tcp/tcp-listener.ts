import type { Server, Socket } from 'node:net';
import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { threadTitle } from '../../../foundation/common/data-location.ts';
import { MillraceError, codeOf, messageOf } from '../../../foundation/common/errors.ts';
import { LimitedLog } from '../../../foundation/common/limited-log.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { AcceptPort, PortEvents } from '../frame-port.ts';
import { HelloReader, decodeHello, encodeAnswer, objectionTo } from './connection-hello.ts';
import type { ConnectionHello, HelloAnswer } from './connection-hello.ts';
import type { DataPlaneLimits, TcpOptions } from './data-plane-settings.ts';
import { SocketPort } from './socket-port.ts';
import { createSocketServer, peerAddress } from './sockets.ts';

export interface ListenerOptions {
  readonly tcp: TcpOptions;
  readonly limits: DataPlaneLimits;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Consumers send hellos, credits and cancellations: all of them are short. */
const MAX_FRAME_BYTES = 8192;

/** Takes connections of consumers in other processes, and refuses everybody else. */
export class TcpListener {
  readonly #options: ListenerOptions;
  readonly #accept: AcceptPort;
  readonly #server: Server;
  readonly #log: LimitedLog;
  readonly #open = new Map<Socket, SocketPort>();
  /** Whoever has not said hello yet, by address; the oldest first. */
  readonly #halfOpen = new Map<string, { readonly socket: Socket; readonly timer: TimerHandle }>();

  constructor(options: ListenerOptions, accept: AcceptPort) {
    this.#options = options;
    this.#accept = accept;
    this.#log = new LimitedLog(
      options.logger,
      options.clock,
      `connections to the data port of ${threadTitle(options.tcp.own)}`,
    );
    this.#server = createSocketServer(options.tcp.tls, {
      connection: (socket) => this.#connected(socket),
      ready: (socket) => this.#expectHello(socket),
      failed: (error) => this.#warn('a caller without a certificate of this cluster', messageOf(error)),
    });
  }

  /**
   * Takes the first free port. Throws PORT_IN_USE when there is none, BAD_OPTION when the address is not of this machine.
   */
  async listen(): Promise<number> {
    const { ports, bindHost, own } = this.#options.tcp;
    for (const port of ports) {
      try {
        return await this.#listenOn(port);
      } catch (thrown) {
        if (codeOf(thrown) !== 'EADDRINUSE') {
          throw new MillraceError(
            'BAD_OPTION',
            `${threadTitle(own)} cannot listen on ${bindHost} (taskmanager.bind-host): ${messageOf(thrown)}`,
            { cause: thrown },
          );
        }
      }
    }
    throw new MillraceError(
      'PORT_IN_USE',
      `${threadTitle(own)} found every port of taskmanager.data.port in use (${ports.length} tried on ${bindHost}); ` +
        'each task thread needs one: give it a wider range, or 0 for any free port',
      { retryable: true },
    );
  }

  /** Sockets that are not closed, for tests of leaks. */
  get sockets(): number {
    return this.#open.size + this.#halfOpen.size;
  }

  /** Takes nobody any more, and closes all ports. */
  async close(): Promise<void> {
    for (const { socket } of this.#halfOpen.values()) {
      socket.destroy();
    }
    for (const port of this.#open.values()) {
      port.close();
    }
    this.#log.close();
    if (this.#server.listening) {
      await new Promise<void>((resolve) => {
        this.#server.close(() => resolve());
      });
    }
  }

  #listenOn(port: number): Promise<number> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.#options.tcp.bindHost, port }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#warn('a connection', messageOf(error)));
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  #connected(socket: Socket): void {
    const { limits, clock } = this.#options;
    const address = peerAddress(socket);
    socket.on('error', () => {}); // said once, where its close is handled
    if (this.#halfOpen.size >= limits.halfOpen) {
      const [oldest] = this.#halfOpen.values();
      oldest!.socket.destroy();
      this.#forget(this.#halfOpen.keys().next().value!);
    }
    const timer = clock.after(limits.handshakeTimeoutMs, () => {
      this.#warn(address, `it did not say hello within ${limits.handshakeTimeoutMs} ms`);
      socket.destroy();
    });
    this.#halfOpen.set(address, { socket, timer });
    socket.once('close', () => this.#forget(address));
  }

  #forget(address: string): void {
    this.#halfOpen.get(address)?.timer.cancel();
    this.#halfOpen.delete(address);
  }

  #expectHello(socket: Socket): void {
    const address = peerAddress(socket);
    const reader = new HelloReader();
    const onData = (bytes: Buffer): void => {
      try {
        const message = reader.push(bytes);
        if (message !== undefined) {
          socket.off('data', onData);
          this.#said(socket, address, decodeHello(message.body), message.rest);
        }
      } catch (thrown) {
        this.#refuse(socket, address, { verdict: 'refused', reason: messageOf(thrown) });
      }
    };
    socket.on('error', () => {});
    socket.on('data', onData);
  }

  #said(socket: Socket, address: string, hello: ConnectionHello, rest: Uint8Array): void {
    const { tcp, limits } = this.#options;
    const reason = objectionTo(hello, tcp.clusterId, tcp.own);
    if (reason !== undefined) {
      this.#refuse(socket, address, { verdict: 'refused', reason });
    } else if (this.#open.size >= limits.connections) {
      this.#refuse(socket, address, { verdict: 'busy', reason: `${this.#open.size} connections are open` });
    } else {
      socket.write(encodeAnswer({ verdict: 'accepted', reason: '' }));
      this.#establish(socket, address, hello, rest);
    }
  }

  #establish(socket: Socket, address: string, { from }: ConnectionHello, rest: Uint8Array): void {
    const { tcp, limits, clock } = this.#options;
    let events: PortEvents | undefined = undefined;
    const port = new SocketPort(
      socket,
      {
        frame: (frame) => events?.frame(frame),
        drained: () => events?.drained(),
        lost: (reason) => events?.lost(reason),
      },
      {
        title: `the connection from ${threadTitle(from)} (${address}) to ${threadTitle(tcp.own)}`,
        clock,
        maxFrameBytes: MAX_FRAME_BYTES,
        waitingBytes: limits.waitingBytes,
      },
    );
    events = this.#accept(from, port);
    let error: Error | undefined;
    this.#forget(address);
    this.#open.set(socket, port);
    socket.on('error', (thrown) => {
      error = thrown;
    });
    socket.once('close', () => {
      this.#open.delete(socket);
      port.ended(error === undefined ? 'the other side closed it' : messageOf(error));
    });
    socket.on('data', (bytes) => port.received(bytes));
    if (rest.byteLength > 0) {
      port.received(rest);
    }
  }

  #refuse(socket: Socket, address: string, answer: HelloAnswer): void {
    this.#warn(address, answer.reason);
    socket.removeAllListeners('data');
    socket.end(encodeAnswer(answer));
    // He may never close his side; the deadline of his hello still counts then.
    socket.resume();
  }

  #warn(caller: string, reason: string): void {
    this.#log.warn(`the data plane refused ${caller}: ${reason}`);
  }
}
