import { open, url, waitForDebugger as wait } from 'node:inspector';
import { MillraceError } from '../foundation/common/errors.ts';

const DEFAULT_PORT = 9229;

/** Opens the inspector on loopback (or where the user says) and waits until a debugger is attached. */
export const waitForDebugger = (hostAndPort: string | undefined): void => {
  const match = /^(?:(?<host>[^:]+):)?(?<port>\d+)$/.exec(hostAndPort ?? String(DEFAULT_PORT));
  if (match === null) {
    throw new MillraceError('BAD_OPTION', `--inspect-port is '${hostAndPort}'; allowed: port or host:port`);
  }
  open(Number(match.groups!['port']), match.groups!['host'] ?? '127.0.0.1');
  process.stderr.write(`Waiting for a debugger at ${url()} ...\n`);
  wait();
};
