import type { Clock } from '../../../foundation/common/clock.ts';
import { silentLogger, type Logger } from '../../../foundation/common/logger.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { systemRandom } from '../../../foundation/common/system-random.ts';
import { parseConnectString } from './connect-string.ts';
import { digestMd5 } from './digest-md5.ts';
import { Chroot } from './paths.ts';
import type { SaslMechanism } from './sasl.ts';
import { TcpTransport, type ZooKeeperTls } from './tcp-transport.ts';
import type { Transport } from './transport.ts';
import { WireZooKeeperClient } from './wire-zookeeper-client.ts';
import type { Acl, Session, ZooKeeperClient } from './zookeeper-client.ts';
import { ZooKeeperError } from './zookeeper-error.ts';
import type { ZooKeeperSessionOptions } from './zookeeper-session.ts';

export interface ZooKeeperOptions {
  /** `host:port,[::1]:2181/chroot`; ports are 2181 unless said. The node of the chroot has to be there. */
  readonly connectString: string;
  /** As asked for; the ensemble grants what lies in its own limits. 10,000 unless said. */
  readonly sessionTimeoutMs?: number;
  /** A session to attach to. Its present connection is closed by the ensemble; its watches are not taken over. */
  readonly session?: Pick<Session, 'id' | 'password'>;
  readonly sasl?: ZooKeeperSasl;
  readonly tls?: ZooKeeperTls;
  /** Identities from the first operation on; see `addAuth`. */
  readonly auth?: readonly { readonly scheme: string; readonly credentials: Uint8Array }[];
  /** Of nodes that are created without one; everybody may do everything unless said. */
  readonly acl?: readonly Acl[];
  /** The limit of one attempt to reach a server, from the connection to the session; a third of the session timeout is less in most cases. */
  readonly connectionTimeoutMs?: number;
  /** Pauses between two rounds of attempts: they grow from the first to the longest, and never exceed a quarter of the session timeout. */
  readonly retryPauseMs?: { readonly first: number; readonly longest: number };
  /** Operations that wait or are on their way; more reject with THROTTLED. 65,536 unless said. */
  readonly operationsMax?: number;
  /** The `jute.maxbuffer` of the servers: larger requests reject with BAD_ARGUMENTS. 1,048,575 unless said. */
  readonly requestBytesMax?: number;
  /** The largest answer that is read; on a larger one the connection is given up. 16 MiB unless said. */
  readonly frameBytesMax?: number;
  /** Hears of connections, at level debug. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** TCP unless said; `tls` is of TCP. */
  readonly transport?: Transport;
}

export type ZooKeeperSasl =
  | { readonly mechanism: 'DIGEST-MD5'; readonly username: string; readonly password: string }
  /** Kerberos: refused, with an error that says so. */
  | { readonly mechanism: 'GSSAPI' }
  | SaslMechanism;

const RETRY_PAUSE_MS = { first: 20, longest: 1_000 };

/** A client that begins to connect. Throws BAD_ARGUMENTS. */
export const connectZooKeeper = (options: ZooKeeperOptions): ZooKeeperClient => connectWireZooKeeper(options);

/** With what the interface does not have. */
export const connectWireZooKeeper = (options: ZooKeeperOptions): WireZooKeeperClient => {
  const client = new WireZooKeeperClient(checkZooKeeperOptions(options), options.acl);
  for (const { scheme, credentials } of options.auth ?? []) {
    // Refused ones end the client with the state `auth-failed`.
    client.addAuth(scheme, credentials).catch(() => {});
  }
  return client;
};

/** What the options mean; connects to nothing. Throws BAD_ARGUMENTS. */
export const checkZooKeeperOptions = (options: ZooKeeperOptions): ZooKeeperSessionOptions => {
  const { random = systemRandom, sessionTimeoutMs = 10_000 } = options;
  if (!(Number.isInteger(sessionTimeoutMs) && sessionTimeoutMs > 0 && sessionTimeoutMs < 2 ** 31)) {
    throw new ZooKeeperError('BAD_ARGUMENTS', 'connect', undefined, 'sessionTimeoutMs is a number of milliseconds');
  }
  const { servers, chroot } = parseConnectString(options.connectString);
  return {
    servers,
    chroot: new Chroot(chroot),
    sessionTimeoutMs,
    attach: options.session,
    sasl: options.sasl === undefined ? undefined : mechanismOf(options.sasl, random),
    operationsMax: options.operationsMax ?? 65_536,
    requestBytesMax: options.requestBytesMax ?? 1_048_575,
    frameBytesMax: options.frameBytesMax ?? 16 * 1024 * 1024,
    transport: options.transport ?? new TcpTransport(options.tls),
    clock: options.clock ?? systemClock,
    random,
    logger: options.logger ?? silentLogger,
    connectionTimeoutMs: options.connectionTimeoutMs,
    retryPauseMs: options.retryPauseMs ?? RETRY_PAUSE_MS,
  };
};

const mechanismOf = (sasl: ZooKeeperSasl, random: Random): SaslMechanism => {
  if ('begin' in sasl) {
    return sasl;
  }
  if (sasl.mechanism === 'GSSAPI') {
    const detail = 'Kerberos is not supported: use SASL DIGEST-MD5, or TLS with client certificates';
    throw new ZooKeeperError('BAD_ARGUMENTS', 'sasl', undefined, detail);
  }
  return digestMd5({ username: sasl.username, password: sasl.password, random });
};
