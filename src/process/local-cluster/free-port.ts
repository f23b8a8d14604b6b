import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { codeOf } from '../../foundation/common/errors.ts';

/**
 * Below where systems begin to hand out ports by themselves, to connections and to listeners that name none (Linux 32,768, others
 * 49,152): what has to get its port again after a restart would find it taken there, once in a while.
 */
const FIRST = 20_000;
const END = 32_768;
const TRIES = 100;

/** Listens; `undefined`: the port is in use, or not ours to take. Rejects where the host is no address of this machine. */
export const listenIfFree = async (port: number, host: string): Promise<Server | undefined> => {
  const server = createServer();
  try {
    await new Promise<void>((done, reject) => {
      server.once('error', reject);
      server.listen(port, host, done);
    });
    return server;
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE' || codeOf(error) === 'EACCES') {
      return undefined;
    }
    throw error;
  }
};

/** Listens on any port, one that can be had again later; as long as it listens, nobody else gets it. */
export const listenOnAny = async (host: string): Promise<Server | undefined> => {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const server = await listenIfFree(randomInt(FIRST, END), host);
    if (server !== undefined) {
      return server;
    }
  }
  return listenIfFree(0, host);
};
