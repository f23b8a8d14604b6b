import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import { codeOf, messageOf } from '../../../foundation/common/errors.ts';
import { ZooKeeperError } from './zookeeper-error.ts';
import type { Link, LinkListener, ServerAddress, Transport } from './transport.ts';

/** PEM texts or what else Node takes. */
export interface ZooKeeperTls {
  /** Who signs the servers' certificates; the authorities that Node knows unless said. */
  readonly ca?: string | Uint8Array;
  /** This client's own certificate and its key, where the ensemble asks for one. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  readonly passphrase?: string;
  /** The name that the servers' certificates carry, where it is not the one in the connect string. */
  readonly serverName?: string;
  /** False accepts any certificate: for tests only. */
  readonly verifyServer?: boolean;
}

const asBuffer = (pem: string | Uint8Array): string | Buffer => (typeof pem === 'string' ? pem : Buffer.from(pem));

/** Reads keys and certificates once; what is wrong with them is BAD_ARGUMENTS. */
const secureContextOf = (tls: ZooKeeperTls): SecureContext => {
  try {
    return createSecureContext({
      ...(tls.ca === undefined ? {} : { ca: asBuffer(tls.ca) }),
      ...(tls.cert === undefined ? {} : { cert: asBuffer(tls.cert) }),
      ...(tls.key === undefined ? {} : { key: asBuffer(tls.key) }),
      ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
      minVersion: 'TLSv1.2',
    });
  } catch (error) {
    throw new ZooKeeperError('BAD_ARGUMENTS', 'tls', undefined, messageOf(error));
  }
};

/** TCP, with TLS if `tls` is given. */
export class TcpTransport implements Transport {
  readonly #tls: ZooKeeperTls | undefined;
  readonly #secureContext: SecureContext | undefined;

  constructor(tls?: ZooKeeperTls) {
    this.#tls = tls;
    this.#secureContext = tls === undefined ? undefined : secureContextOf(tls);
  }

  async resolve(host: string): Promise<readonly string[]> {
    return isIP(host) === 0 ? (await lookup(host, { all: true })).map(({ address }) => address) : [host];
  }

  open(server: ServerAddress, listener: LinkListener): Link {
    const socket = connectTcp({ host: server.address, port: server.port, noDelay: true });
    if (this.#tls === undefined || this.#secureContext === undefined) {
      socket.once('connect', () => listener.opened());
      return linkOf(socket, socket, listener);
    }
    const name = this.#tls.serverName ?? server.host;
    const secure = connectTls({
      socket,
      secureContext: this.#secureContext,
      rejectUnauthorized: this.#tls.verifyServer ?? true,
      // An address cannot be asked for by name in TLS; it is compared with the certificate all the same.
      ...(isIP(name) === 0 ? { servername: name } : {}),
      host: name,
    });
    secure.once('secureConnect', () => listener.opened());
    return linkOf(secure, socket, listener);
  }
}

const linkOf = (stream: Socket, socket: Socket, listener: LinkListener): Link => {
  let isOver = false;
  const close = (problem: string | undefined): void => {
    if (!isOver) {
      isOver = true;
      destroyBoth();
      listener.closed(problem);
    }
  };
  const destroyBoth = (): void => {
    stream.destroy();
    socket.destroy();
  };
  const fail = (error: Error): void => close(codeOf(error) ?? messageOf(error));
  stream.on('data', (chunk: Buffer) => {
    if (!isOver) {
      listener.received(chunk);
    }
  });
  stream.on('error', fail);
  stream.on('end', () => close(undefined));
  stream.on('close', () => close(undefined));
  if (socket !== stream) {
    socket.on('error', fail);
  }
  return {
    send: (bytes) => {
      if (!isOver) {
        stream.write(bytes);
      }
    },
    destroy: () => {
      isOver = true;
      destroyBoth();
    },
  };
};
