import type { Hello } from './hello.ts';
import type { PortRange } from './port-range.ts';
import type { RpcAddress } from './rpc-address.ts';
import type { RpcConnection } from './rpc-connection.ts';
import { untyped, type RpcProtocol, type RpcService, type UntypedService } from './rpc-protocol.ts';

/** How processes reach each other: `tcp/` between processes, `in-memory/` within tests and the simulation. */
export interface RpcTransport {
  /**
   * Connects and exchanges hellos. Errors, all retryable: UNREACHABLE when nothing listens there, as its host says; CONNECTION_LOST
   * and TIMEOUT when neither process nor host is heard of. HELLO_REFUSED when either side does not want the other, BAD_CERTIFICATE,
   * PROTOCOL when something else answers.
   */
  connect<L extends RpcProtocol, R extends RpcProtocol>(
    address: RpcAddress,
    service: RpcService<L, R>,
    options?: ConnectOptions,
  ): Promise<RpcConnection<R>>;

  /** Errors: ADDRESS_IN_USE when no port of the range is free, BAD_OPTION when the host is not one of this machine. */
  listen(options: ListenOptions): Promise<RpcListener>;
}

export interface ConnectOptions {
  /** For all of it, the hellos included; `pekko.tcp.timeout` unless set. */
  readonly timeoutMs?: number;
  /** Gives up when aborted; the error is CONNECTION_LOST. */
  readonly signal?: AbortSignal;
}

export interface ListenOptions {
  readonly host: string;
  readonly ports: PortRange;
  /** The option that `ports` comes from, for the error when none is free. */
  readonly portsKey: string;
  /**
   * Decides whether this process wants the one that says hello; its version and cluster are right already. A
   * `MillraceError` refuses it, the message is what both sides log.
   */
  accept(peer: Hello, remoteAddress: string): Accepted | Promise<Accepted>;
}

/** What a process that was accepted is served. */
export interface Accepted {
  readonly service: UntypedService;
  readonly opened: (connection: RpcConnection) => void;
}

/** `opened` is called before any message of the peer is handled, and not at all if the peer goes away before. */
export const accepted = <L extends RpcProtocol, R extends RpcProtocol>(
  service: RpcService<L, R>,
  opened: (connection: RpcConnection<R>) => void,
): Accepted => ({ service: untyped(service), opened });

export interface RpcListener {
  /** Where it listens; the port is the one that was free. */
  readonly address: RpcAddress;
  readonly connections: ReadonlySet<RpcConnection>;
  /** Takes no new connections and ends those there are. */
  close(farewell?: string): Promise<void>;
}
