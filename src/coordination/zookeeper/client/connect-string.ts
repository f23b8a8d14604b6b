import { checkPath } from './paths.ts';
import { ZooKeeperError } from './zookeeper-error.ts';

export interface ServerName {
  /** A name or an address; without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface ConnectTarget {
  readonly servers: readonly ServerName[];
  /** `''`: the root of the ensemble. */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;

const refuse = (problem: string): never => {
  throw new ZooKeeperError('BAD_ARGUMENTS', 'connect string', undefined, problem);
};

const portOf = (text: string | undefined, server: string): number => {
  if (text === undefined) {
    return DEFAULT_PORT;
  }
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535 ? port : refuse(`${server} has no valid port`);
};

const serverOf = (text: string): ServerName => {
  const bracketed = /^\[([0-9a-fA-F:.%\w]+)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) {
    return { host: bracketed[1]!, port: portOf(bracketed[2], text) };
  }
  if (text.split(':').length > 2) {
    refuse(`${text} is an IPv6 address without brackets: write [${text}]:${DEFAULT_PORT}`);
  }
  const [host, port] = text.split(':');
  if (host === undefined || !/^[\w.-]+$/.test(host)) {
    return refuse(`'${text}' is not host:port`);
  }
  return { host, port: portOf(port, text) };
};

/** `host:port,[::1]:2181,other/chroot`; the port is 2181 unless said. Throws BAD_ARGUMENTS. */
export const parseConnectString = (text: string): ConnectTarget => {
  const slash = text.indexOf('/');
  const chroot = slash < 0 || text.slice(slash) === '/' ? '' : text.slice(slash);
  if (chroot !== '') {
    checkPath('connect string', chroot);
  }
  const servers = (slash < 0 ? text : text.slice(0, slash))
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map(serverOf);
  return servers.length === 0 ? refuse(`'${text}' names no server`) : { servers, chroot };
};
