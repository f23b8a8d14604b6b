import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { codeOf, messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import { strangerReason, type TlsIdentity } from '../../../foundation/security/tls-identity.ts';
import { notReached, openConnection, unreachable } from '../open-connection.ts';
import { formatAddress, type RpcAddress } from '../rpc-address.ts';
import type { RpcConnection } from '../rpc-connection.ts';
import type { RpcContext } from '../rpc-context.ts';
import type { RpcProtocol, RpcService } from '../rpc-protocol.ts';
import type { ConnectOptions, ListenOptions, RpcListener, RpcTransport } from '../rpc-transport.ts';
import { badCertificate, isTlsError, TcpLink } from './link.ts';
import { TcpListener } from './listener.ts';
import { SOCKET_OPTIONS } from './socket-options.ts';

/** Between processes. With an identity every connection is mutual TLS, in both directions, and nothing else is taken. */
export class TcpTransport implements RpcTransport {
  readonly #context: RpcContext;
  readonly #tls: TlsIdentity | undefined;

  constructor(context: RpcContext, tls?: TlsIdentity) {
    this.#context = context;
    this.#tls = tls;
  }

  connect<L extends RpcProtocol, R extends RpcProtocol>(
    address: RpcAddress,
    service: RpcService<L, R>,
    options: ConnectOptions = {},
  ): Promise<RpcConnection<R>> {
    const to = formatAddress(address);
    const { clock } = this.#context;
    return openConnection(to, service, this.#context, options, (opened, failed) => {
      const onError = (error: Error): void => failed(connectError(to, error));
      const socket = this.#open(address, () => {
        const stranger = this.#tls === undefined ? undefined : strangerReason(this.#tls, socket as TLSSocket);
        if (stranger === undefined) {
          socket.off('error', onError);
          opened(new TcpLink(socket, to, clock));
        } else {
          socket.destroy();
          failed(new MillraceError('BAD_CERTIFICATE', `${to} ${stranger}`));
        }
      });
      socket.on('error', onError);
      return { cancel: () => socket.destroy() };
    });
  }

  listen(options: ListenOptions): Promise<RpcListener> {
    return TcpListener.start(options, this.#context, this.#tls);
  }

  #open({ host, port }: RpcAddress, opened: () => void): Socket {
    if (this.#tls === undefined) {
      return connect({ ...SOCKET_OPTIONS, host, port }, opened);
    }
    const { key, cert, ca } = this.#tls;
    const socket = connectTls(
      {
        host,
        port,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        key,
        cert,
        ca,
        minVersion: 'TLSv1.2',
        // Who has a certificate of the cluster's CA is one of the cluster; which host it runs on does not matter, as in Flink.
        checkServerIdentity: () => undefined,
      },
      opened,
    );
    socket.setNoDelay(SOCKET_OPTIONS.noDelay);
    socket.setKeepAlive(SOCKET_OPTIONS.keepAlive, SOCKET_OPTIONS.keepAliveInitialDelay);
    return socket;
  }
}

const DISTRUST =
  /^(CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|INVALID_CA|ERR_TLS_CERT|UNABLE_TO_VERIFY|CRL_|ERROR_IN_CERT)/;

const connectError = (to: string, error: Error): MillraceError => {
  const code = codeOf(error);
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    const message = `${to} does not use TLS, this process does; set security.ssl.internal.enabled to the same value in all processes`;
    return new MillraceError('BAD_CERTIFICATE', message, { cause: error });
  }
  if (isTlsError(code)) {
    return badCertificate(error);
  }
  if (code !== undefined && DISTRUST.test(code)) {
    const message =
      `the certificate of ${to} is not trusted (${messageOf(error)}); ` +
      'security.ssl.internal.truststore has to hold its CA';
    return new MillraceError('BAD_CERTIFICATE', message, { cause: error });
  }
  if (error.message.includes('before secure TLS connection')) {
    const reason =
      'it ended the connection when TLS began; its log may say why (security.ssl.internal.* of both sides)';
    return notReached(to, reason, error);
  }
  const reason = messageOf(error) || code || 'the connection failed';
  // Of all errors only this one comes from the host itself: no process listens there.
  return code === 'ECONNREFUSED' ? unreachable(to, reason, error) : notReached(to, reason, error);
};
