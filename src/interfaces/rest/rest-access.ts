import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { clusterOptions } from '../../foundation/config/options/cluster-options.ts';
import { RestError } from './rest-error.ts';

/** Who may ask: whoever can submit a job runs code in the cluster. */
export interface RestAccess {
  /** Every request has to bring it as `Authorization: Bearer <token>`. */
  readonly token: string | undefined;
  /** Origins of other pages that may ask; `*`: all. */
  readonly allowedOrigins: readonly string[];
  /**
   * Names that this server is known by beside addresses, `localhost` and the name of the machine; `undefined`: any. A page of somebody
   * else's whose name is made to point here (DNS rebinding) is told by the name that its requests carry.
   */
  readonly hostNames: readonly string[] | undefined;
}

export interface AccessOptions {
  /** `--insecure`: beyond loopback without a token. */
  readonly isInsecure: boolean;
  /** Clients prove themselves with a certificate. */
  readonly hasClientCertificates: boolean;
}

/** Errors: BAD_OPTION where anybody in the network could run code in the cluster. */
export const restAccess = (configuration: Configuration, options: AccessOptions): RestAccess => {
  const token = configuration.get(clusterOptions.restToken);
  const bindAddress = configuration.get(clusterOptions.restBindAddress);
  if (token !== undefined && !/^[\x21-\x7e]{16,}$/.test(token)) {
    throw new MillraceError(
      'BAD_OPTION',
      `${clusterOptions.restToken.key} (${configuration.origin(clusterOptions.restToken)}) is no token; allowed: 16 printable ASCII ` +
        'characters or more, without spaces, such as what "openssl rand -hex 32" prints',
    );
  }
  if (token === undefined && !options.hasClientCertificates && !options.isInsecure && !isLoopback(bindAddress)) {
    throw new MillraceError(
      'BAD_OPTION',
      `${clusterOptions.restBindAddress.key} is ${bindAddress} (${configuration.origin(clusterOptions.restBindAddress)}): whoever reaches ` +
        `it could run code here. Set ${clusterOptions.restToken.key}, or have clients show certificates ` +
        '(security.ssl.rest.authentication-enabled), or say --insecure where only friends reach it',
    );
  }
  const advertised = configuration.get(clusterOptions.restAddress);
  return {
    token,
    allowedOrigins: (configuration.get(clusterOptions.allowOrigin) ?? '')
      .split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ''),
    hostNames:
      token !== undefined || options.isInsecure || options.hasClientCertificates
        ? undefined
        : [advertised ?? bindAddress, bindAddress],
  };
};

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

export interface AskedBy {
  readonly authorization: string | undefined;
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

/** Errors: 401 without the token, 403 for a page or a name that is none of ours. */
export const checkAccess = (access: RestAccess, { authorization, origin, host }: AskedBy): void => {
  if (access.hostNames !== undefined && !isOwnName(nameOf(host ?? ''), access.hostNames)) {
    throw new RestError(
      403,
      `this server is not known as '${(host ?? '').slice(0, 200)}'; use its address, or set ${clusterOptions.restAddress.key}`,
    );
  }
  if (origin !== undefined && !isOwnPage(origin, host) && !isAllowedOrigin(access, origin)) {
    throw new RestError(
      403,
      `pages of ${origin.slice(0, 200)} may not ask here; see ${clusterOptions.allowOrigin.key}`,
    );
  }
  if (access.token !== undefined && !isToken(authorization, access.token)) {
    throw new RestError(401, `this cluster wants a token; set ${clusterOptions.restToken.key} to the cluster's`);
  }
};

export const isAllowedOrigin = ({ allowedOrigins }: RestAccess, origin: string): boolean =>
  allowedOrigins.includes('*') || allowedOrigins.includes(origin);

const isOwnPage = (origin: string, host: string | undefined): boolean =>
  host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);

const nameOf = (host: string): string => {
  try {
    return new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '').toLowerCase();
  } catch {
    return '';
  }
};

const isOwnName = (name: string, known: readonly string[]): boolean =>
  isIP(name) !== 0 || name === 'localhost' || name === hostname().toLowerCase() || known.includes(name);

/** Takes as long for a token that is nearly right as for any other. */
const isToken = (authorization: string | undefined, token: string): boolean => {
  const given = /^Bearer (?<token>\S+)$/i.exec(authorization ?? '')?.groups?.['token'] ?? '';
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
};
