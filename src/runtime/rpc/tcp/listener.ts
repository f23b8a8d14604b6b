import { createServer, isIPv6, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { codeOf, messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import { strangerReason, type TlsIdentity } from '../../../foundation/security/tls-identity.ts';
import { Acceptor, type Visit } from '../acceptor.ts';
import { noPortFree } from '../port-range.ts';
import { formatAddress, type RpcAddress } from '../rpc-address.ts';
import type { RpcConnection } from '../rpc-connection.ts';
import type { RpcContext } from '../rpc-context.ts';
import type { ListenOptions, RpcListener } from '../rpc-transport.ts';
import { isTlsError, plainHost, TcpLink } from './link.ts';
import { SOCKET_OPTIONS } from './socket-options.ts';

export class TcpListener implements RpcListener {
  readonly address: RpcAddress;
  readonly #server: Server;
  readonly #acceptor: Acceptor;

  private constructor(address: RpcAddress, server: Server, acceptor: Acceptor) {
    this.address = address;
    this.#server = server;
    this.#acceptor = acceptor;
  }

  static async start(options: ListenOptions, context: RpcContext, tls: TlsIdentity | undefined): Promise<TcpListener> {
    const acceptor = new Acceptor(context, options.accept);
    const server = tls === undefined ? plainServer(acceptor, context) : tlsServer(acceptor, context, tls);
    // Those above the limits are still told so; only a flood is cut off unheard.
    server.maxConnections = context.limits.connectionsMax + 2 * context.limits.handshakesMax;
    server.on('drop', () => acceptor.warn(`More connections than ${server.maxConnections}; one was dropped`));
    const port = await listenOnFirstFree(server, options);
    server.on('error', (error) => context.logger.error(`The listener on port ${port} failed: ${error.message}`));
    return new TcpListener({ host: options.host, port }, server, acceptor);
  }

  get connections(): ReadonlySet<RpcConnection> {
    return this.#acceptor.connections;
  }

  close(farewell?: string): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#acceptor.close(farewell);
    });
  }
}

const plainServer = (acceptor: Acceptor, { clock }: RpcContext): Server =>
  createServer(SOCKET_OPTIONS, (socket) => {
    const remoteAddress = remoteOf(socket);
    const visit = acceptor.visit(remoteAddress, () => socket.destroy());
    acceptor.begin(new TcpLink(socket, remoteAddress, clock), visit);
  });

/** A visit begins with the socket, so that one who does not get on with TLS is under the same limits. */
const tlsServer = (acceptor: Acceptor, { clock }: RpcContext, identity: TlsIdentity): Server => {
  const visits = new Map<string, Visit>();
  const { key, cert, ca } = identity;
  const server = createTlsServer({
    ...SOCKET_OPTIONS,
    key,
    cert,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: 0x7fff_ffff,
  });
  server.on('connection', (socket: Socket) => {
    const remoteAddress = remoteOf(socket);
    const visit = acceptor.visit(remoteAddress, () => socket.destroy());
    visits.set(remoteAddress, visit);
    socket.on('close', () => {
      visits.delete(remoteAddress);
      acceptor.leave(visit);
    });
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const remoteAddress = remoteOf(socket);
    const visit = visits.get(remoteAddress);
    const stranger = strangerReason(identity, socket);
    if (visit === undefined || stranger !== undefined) {
      socket.destroy();
      acceptor.warn(`No connection: ${remoteAddress} ${stranger ?? 'went away'}`);
      return;
    }
    acceptor.begin(new TcpLink(socket, remoteAddress, clock), visit);
  });
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    acceptor.warn(`No connection: ${remoteOf(socket)} was refused, ${tlsProblem(error, socket)}`);
    socket.destroy();
  });
  return server;
};

const tlsProblem = (error: Error, socket: TLSSocket): string => {
  const code = codeOf(error);
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_HTTP_REQUEST') {
    return 'it does not use TLS; set security.ssl.internal.enabled in all processes';
  }
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') {
    return 'it has no certificate; internal connections need one on both sides (security.ssl.internal.keystore)';
  }
  // Node's types say Error, at run time it is a code.
  const distrust: unknown = socket.authorizationError;
  if (distrust !== undefined && distrust !== null) {
    return `its certificate is not trusted (${messageOf(distrust)}); security.ssl.internal.truststore has to hold its CA`;
  }
  return isTlsError(code) ? `TLS failed: ${error.message}` : 'it ended before TLS was set up';
};

const listenOnFirstFree = async (server: Server, options: ListenOptions): Promise<number> => {
  const { host, ports, portsKey } = options;
  let inUse: unknown;
  for (const port of ports.ports) {
    try {
      return await listenOn(server, host, port);
    } catch (thrown) {
      if (codeOf(thrown) !== 'EADDRINUSE') {
        throw cannotListen(thrown, host, port, portsKey);
      }
      inUse = thrown;
    }
  }
  throw noPortFree(host, ports, portsKey, inUse);
};

const cannotListen = (thrown: unknown, host: string, port: number, portsKey: string): MillraceError => {
  const at = formatAddress({ host, port });
  const way =
    codeOf(thrown) === 'EACCES'
      ? `this user may not open the port; choose one above 1023 (${portsKey})`
      : 'the host has to be a name or address of this machine';
  return new MillraceError('BAD_OPTION', `cannot listen on ${at} (${messageOf(thrown)}): ${way}`, { cause: thrown });
};

const listenOn = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true, ipv6Only: isIPv6(host) && host !== '::' }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

/** The address is gone when the other side was faster. */
const remoteOf = (socket: Socket): string =>
  socket.remoteAddress === undefined
    ? 'a process that is gone'
    : formatAddress({ host: plainHost(socket.remoteAddress), port: socket.remotePort ?? 0 });
