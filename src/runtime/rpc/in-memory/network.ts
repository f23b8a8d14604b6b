import type { Clock } from '../../../foundation/common/clock.ts';
import type { RpcContext } from '../rpc-context.ts';
import type { RpcTransport } from '../rpc-transport.ts';
import type { InMemoryLink } from './link.ts';
import type { InMemoryListener } from './listener.ts';
import { Pipe } from './pipe.ts';
import { InMemoryTransport } from './transport.ts';

export interface NetworkOptions {
  readonly clock: Clock;
  /** How long the next message from a host to another takes; 0 unless set. The order of a connection is kept. */
  readonly delayMs?: (from: string, to: string) => number;
}

interface HostedLink {
  readonly link: InMemoryLink;
  readonly host: string;
  readonly remote: string;
}

/**
 * A network within one process, for tests and the simulation. It behaves as TCP does: a connection keeps its order and
 * loses nothing unless it breaks; what is sent into a cut waits, and arrives when the cut is healed.
 */
export class InMemoryNetwork {
  readonly clock: Clock;
  readonly #delayMs: (from: string, to: string) => number;
  readonly #listeners = new Map<string, InMemoryListener>();
  readonly #links = new Set<HostedLink>();
  readonly #pipes = new Set<Pipe>();
  readonly #transports = new Set<InMemoryTransport>();
  readonly #cuts = new Set<string>();
  readonly #paused = new Set<string>();
  #nextPort = 40_000;

  constructor({ clock, delayMs }: NetworkOptions) {
    this.clock = clock;
    this.#delayMs = delayMs ?? (() => 0);
  }

  /** The network as the process on `host` sees it, until it crashes; one process at a time to a host. */
  transport(host: string, context: RpcContext): RpcTransport {
    const transport = new InMemoryTransport(this, host, context);
    this.#transports.add(transport);
    return transport;
  }

  /** Nothing gets from one to the other, in this direction; connections do not notice by themselves. */
  cut(from: string, to: string): void {
    this.#cuts.add(way(from, to));
  }

  heal(from: string, to: string): void {
    this.#cuts.delete(way(from, to));
    this.#pump();
  }

  /** The process does not run: what is sent to it waits. Its timers are the caller's business. */
  pause(host: string): void {
    this.#paused.add(host);
  }

  resume(host: string): void {
    this.#paused.delete(host);
    this.#pump();
  }

  /** Connections between the two break on both sides, what is on its way is lost. `isReset`: as if the other side had done it. */
  break(a: string, b: string, { isReset = false } = {}): void {
    for (const { link } of this.#linksBetween(a, b)) {
      link.terminate(isReset ? { kind: 'reset' } : { kind: 'broken', error: new Error('the network broke it') });
    }
  }

  /**
   * The process on `host` is gone. Nothing of it is called any more; the others see its connections closed, unless the
   * host is lost too.
   */
  crash(host: string, { isHostLost = false } = {}): void {
    for (const transport of [...this.#transports].filter((each) => each.host === host)) {
      transport.crash(isHostLost);
      this.#transports.delete(transport);
    }
    for (const { link } of [...this.#links].filter((each) => each.host === host)) {
      link.crash(isHostLost);
    }
    for (const [address, listener] of [...this.#listeners]) {
      if (listener.address.host === host) {
        this.#listeners.delete(address);
      }
    }
    this.#forgetEnded();
  }

  /** @internal Of the transports. */
  freePort(): number {
    return this.#nextPort++;
  }

  /** @internal */
  listenerAt(address: string): InMemoryListener | undefined {
    return this.#listeners.get(address);
  }

  /** @internal */
  addListener(address: string, listener: InMemoryListener): void {
    this.#listeners.set(address, listener);
  }

  /** @internal */
  removeListener(address: string): void {
    this.#listeners.delete(address);
  }

  /** @internal */
  pipe(from: string, to: string): Pipe {
    this.#forgetEnded();
    const pipe = new Pipe(
      from,
      to,
      this.clock,
      () => this.#delayMs(from, to),
      () => this.#cuts.has(way(from, to)) || this.#paused.has(to),
    );
    this.#pipes.add(pipe);
    return pipe;
  }

  /** @internal */
  addLink(host: string, remote: string, link: InMemoryLink): void {
    this.#links.add({ host, remote, link });
  }

  #linksBetween(a: string, b: string): readonly HostedLink[] {
    return [...this.#links].filter(({ host, remote }) => (host === a && remote === b) || (host === b && remote === a));
  }

  #pump(): void {
    this.#pipes.forEach((pipe) => pipe.pump());
  }

  #forgetEnded(): void {
    for (const each of this.#links) {
      if (each.link.isOver) {
        this.#links.delete(each);
      }
    }
    for (const pipe of this.#pipes) {
      if (pipe.isDone) {
        this.#pipes.delete(pipe);
      }
    }
  }
}

const way = (from: string, to: string): string => `${from} > ${to}`;
