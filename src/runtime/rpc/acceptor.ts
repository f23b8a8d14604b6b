import type { TimerHandle } from '../../foundation/common/clock.ts';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { LimitedLog } from '../../foundation/common/limited-log.ts';
import { Handshake } from './handshake.ts';
import type { Hello } from './hello.ts';
import type { MessageLink } from './message-link.ts';
import type { RpcConnection } from './rpc-connection.ts';
import type { RpcContext } from './rpc-context.ts';
import type { RpcLimits } from './rpc-limits.ts';
import { RpcSession } from './rpc-session.ts';
import type { Accepted, ListenOptions } from './rpc-transport.ts';

/** A place among those that have connected and not said hello yet. */
export interface Visit {
  readonly timer: TimerHandle;
  /** Ends it, whatever state it is in, and says why. */
  end: (error: MillraceError) => void;
  isGreeted: () => boolean;
}

/** What every listener does once somebody has connected, whatever the transport. */
export class Acceptor {
  readonly #context: RpcContext;
  readonly #accept: ListenOptions['accept'];
  readonly #log: LimitedLog;
  /** Oldest first. */
  readonly #visits = new Set<Visit>();
  readonly #connections = new Set<RpcConnection>();
  #isClosed = false;

  constructor(context: RpcContext, accept: ListenOptions['accept']) {
    const { clock, limits } = context;
    this.#log = new LimitedLog(context.logger, clock, 'connections to the RPC port');
    // Strangers can say hello as well, and then nonsense.
    this.#context = { clock, limits, logger: this.#log, self: () => context.self() };
    this.#accept = accept;
  }

  get connections(): ReadonlySet<RpcConnection> {
    return this.#connections;
  }

  get visitCount(): number {
    return this.#visits.size;
  }

  /**
   * Somebody has connected; from now on the time for the hello runs. When too many are in this state the one that has
   * been silent for longest has to go, so that those who say nothing cannot keep out those who do.
   */
  visit(remoteAddress: string, destroy: () => void): Visit {
    const { clock, limits } = this.#context;
    const visit: Visit = {
      timer: clock.after(limits.handshakeTimeoutMs, () => this.#endVisit(visit, silence(remoteAddress, limits))),
      end: (error) => {
        destroy();
        this.warn(`No connection: ${error.message}`);
      },
      isGreeted: () => false,
    };
    this.#visits.add(visit);
    if (this.#visits.size > limits.handshakesMax) {
      const oldest = this.#visits.values().find(({ isGreeted }) => !isGreeted());
      this.#endVisit(oldest ?? visit, crowd(limits));
    }
    return visit;
  }

  /** The visit has ended, or become a connection. */
  leave(visit: Visit): void {
    visit.timer.cancel();
    this.#visits.delete(visit);
  }

  /** The visitor can talk now. */
  begin(link: MessageLink, visit: Visit): void {
    if (!this.#visits.has(visit)) {
      link.destroy();
      return;
    }
    const handshake = new Handshake<Accepted>('acceptor', {
      link,
      own: this.#context.self(),
      judge: (peer) => this.#judge(peer, link.remoteAddress),
      agreed: (peer, judgement) => {
        this.leave(visit);
        this.#open(link, peer, judgement);
      },
      failed: (error, wasRefused) => {
        this.leave(visit);
        this.warn(wasRefused ? capitalized(error.message) : `No connection: ${error.message}`);
      },
    });
    visit.end = (error) => handshake.abandon(error);
    visit.isGreeted = () => handshake.isGreeted;
    handshake.start();
  }

  warn(message: string): void {
    if (!this.#isClosed) {
      this.#log.warn(message);
    }
  }

  close(farewell?: string): void {
    this.#isClosed = true;
    for (const visit of [...this.#visits]) {
      this.#endVisit(visit, new MillraceError('CONNECTION_LOST', 'this process listens no more'));
    }
    for (const connection of [...this.#connections]) {
      connection.close(farewell);
    }
    this.#log.close();
  }

  #endVisit(visit: Visit, error: MillraceError): void {
    this.leave(visit);
    visit.end(error);
  }

  #judge(peer: Hello, remoteAddress: string): Accepted | Promise<Accepted> {
    const { connectionsMax } = this.#context.limits;
    if (this.#connections.size >= connectionsMax) {
      const message = `this process has ${connectionsMax} connections, which is its limit`;
      throw new MillraceError('OVERLOADED', message, { retryable: true });
    }
    return this.#accept(peer, remoteAddress);
  }

  #open(link: MessageLink, peer: Hello, { service, opened }: Accepted): void {
    const session = new RpcSession(link, peer, service, this.#context);
    if (this.#isClosed) {
      session.close();
      return;
    }
    this.#connections.add(session);
    void session.closed.then(() => this.#connections.delete(session));
    try {
      opened(session);
    } catch (thrown) {
      session.garbage(new MillraceError('PROTOCOL', `the connection was not taken: ${messageOf(thrown)}`));
    }
  }
}

const silence = (remoteAddress: string, { handshakeTimeoutMs }: RpcLimits): MillraceError =>
  new MillraceError('TIMEOUT', `${remoteAddress} connected and did not say hello within ${handshakeTimeoutMs} ms`);

const crowd = ({ handshakesMax }: RpcLimits): MillraceError =>
  new MillraceError('OVERLOADED', `more than ${handshakesMax} have connected and not said hello; the oldest has to go`);

const capitalized = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
