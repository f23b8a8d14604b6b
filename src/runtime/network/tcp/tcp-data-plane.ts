import type { Clock } from '../../../foundation/common/clock.ts';
import type { DataLocation } from '../../../foundation/common/data-location.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { AcceptPort, DataPlane, FramePort, PortEvents } from '../frame-port.ts';
import { DATA_PLANE_LIMITS } from './data-plane-settings.ts';
import type { DataPlaneLimits, TcpOptions } from './data-plane-settings.ts';
import { DialedPort } from './dialed-port.ts';
import { TcpListener } from './tcp-listener.ts';

/** A thread's connections with threads of other processes over TCP, with TLS if asked for. */
export class TcpDataPlane implements DataPlane {
  readonly #tcp: TcpOptions;
  readonly #limits: DataPlaneLimits;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #maxFrameBytes: number;
  readonly #dialed = new Set<DialedPort>();
  #listener: TcpListener | undefined;
  #whenClosed: (() => void)[] = [];

  /** `maxFrameBytes`: of frames that producers send. */
  constructor(tcp: TcpOptions, maxFrameBytes: number, clock: Clock, logger: Logger) {
    this.#tcp = tcp;
    this.#limits = { ...DATA_PLANE_LIMITS, ...tcp.limits };
    this.#clock = clock;
    this.#logger = logger;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Throws what `TcpListener.listen` throws. */
  async listen(accept: AcceptPort): Promise<{ readonly host: string; readonly port: number }> {
    const options = { tcp: this.#tcp, limits: this.#limits, clock: this.#clock, logger: this.#logger };
    this.#listener = new TcpListener(options, accept);
    return { host: this.#tcp.host, port: await this.#listener.listen() };
  }

  dial(location: DataLocation, events: PortEvents): FramePort {
    const port: DialedPort = new DialedPort(location, events, {
      tcp: this.#tcp,
      limits: this.#limits,
      clock: this.#clock,
      maxFrameBytes: this.#maxFrameBytes,
      closed: () => {
        this.#dialed.delete(port);
        this.#settle();
      },
    });
    this.#dialed.add(port);
    return port;
  }

  /** Sockets and tries that are not closed, for tests of leaks. */
  get open(): number {
    return this.#dialed.size + (this.#listener?.sockets ?? 0);
  }

  /** Resolves when the other sides have closed too, or their time for that is over. */
  async close(): Promise<void> {
    for (const port of this.#dialed) {
      port.close();
    }
    // The server is closed when its last connection is.
    await this.#listener?.close();
    if (this.#dialed.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenClosed.push(resolve);
      });
    }
  }

  #settle(): void {
    if (this.#dialed.size === 0) {
      for (const resolve of this.#whenClosed.splice(0)) {
        resolve();
      }
    }
  }
}
