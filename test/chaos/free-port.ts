import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { listenOnAny } from '../../src/process/local-cluster/free-port.ts';

/** A port that nobody listened on a moment ago, and that nobody is given by chance: for processes that have to come back to the same one. */
export const freePort = async (): Promise<number> => {
  const server = (await listenOnAny('127.0.0.1'))!;
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};
