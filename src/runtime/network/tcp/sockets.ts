import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { strangerReason } from '../../../foundation/security/tls-identity.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { DataPlaneTls } from './data-plane-settings.ts';

/** Idle connections are asked for a sign of life after this; ten seconds without one and they are closed. */
const KEEP_ALIVE_MS = 10_000;

/** What a consumer reads at once: several batches. */
const READ_BYTES = 131_072;

/** As PEM texts: what crossed to a worker is no `Buffer` any more. */
const pem = ({ ca, cert, key }: DataPlaneTls) => ({
  ca: Buffer.from(ca),
  cert: Buffer.from(cert),
  key: Buffer.from(key),
  minVersion: 'TLSv1.3' as const,
});

/**
 * Connects; `ready` comes when a hello can be said. Bytes are read into one buffer again and again: they are valid during
 * the call only.
 */
export const openSocket = (
  { host, port }: { readonly host: string; readonly port: number },
  tls: DataPlaneTls | undefined,
  ready: () => void,
  received: (bytes: Uint8Array) => void,
): Socket => {
  const onread = {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback: (length: number, buffer: Uint8Array) => {
      received(buffer.subarray(0, length));
      return true;
    },
  };
  const connected = (): void => {
    const stranger = tls === undefined ? undefined : strangerReason(tls, socket as TLSSocket);
    if (stranger !== undefined) {
      socket.destroy(new MillraceError('BAD_CERTIFICATE', `the other side ${stranger}`));
      return;
    }
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    ready();
  };
  // The certificate says that the other side belongs to the cluster; which process it is, the hello says. Hosts may have
  // several names, and addresses that change.
  const isMember = (): undefined => undefined;
  const target = { host, port, onread };
  const socket =
    tls === undefined
      ? connectTcp(target, connected)
      : connectTls({ ...target, ...pem(tls), checkServerIdentity: isMember } as ConnectionOptions, connected);
  return socket;
};

export interface ServerEvents {
  /** Somebody connected; nothing is known of him. */
  connection(socket: Socket): void;
  /** A hello may come now; with TLS his certificate is good. */
  ready(socket: Socket): void;
  /** TLS failed. */
  failed(error: Error): void;
}

export const createSocketServer = (tls: DataPlaneTls | undefined, events: ServerEvents): Server => {
  const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
  if (tls === undefined) {
    return createTcpServer(options, (socket) => {
      events.connection(socket);
      events.ready(socket);
    });
  }
  const mutual = { requestCert: true, rejectUnauthorized: true };
  const server = createTlsServer({ ...options, ...pem(tls), ...mutual }, (socket) => {
    const stranger = strangerReason(tls, socket);
    if (stranger === undefined) {
      events.ready(socket);
    } else {
      socket.destroy();
      events.failed(new Error(`it ${stranger}`));
    }
  });
  server.on('connection', (socket: Socket) => events.connection(socket));
  server.on('tlsClientError', (error, socket) => {
    socket.destroy();
    events.failed(error);
  });
  return server;
};

/** Names a connection for as long as it is open, whichever layer's socket one has. */
export const peerAddress = ({ remoteAddress, remotePort }: Socket): string =>
  `${remoteAddress ?? 'unknown'}:${remotePort ?? 0}`;
