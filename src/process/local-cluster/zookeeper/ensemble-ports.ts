import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { codeOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import { listenIfFree, listenOnAny } from '../free-port.ts';
import type { ServerPorts } from './server-files.ts';

const FILE = 'ensemble.json';
const HOST = '127.0.0.1';
const LET_GO_MS = 2_000;
const LOOK_MS = 50;

const port = z.int().min(1).max(65_535);
const schema = z.object({
  version: z.literal(1),
  servers: z.array(z.object({ client: port, peers: port, election: port })).min(1),
});

/** What was chosen when the ensemble of this folder was first started; `undefined`: it has none. Errors: CORRUPT_DATA. */
export const readPorts = async (folder: string): Promise<readonly ServerPorts[] | undefined> => {
  const path = join(folder, FILE);
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8'))).servers;
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') {
      return undefined;
    }
    throw new MillraceError(
      'CORRUPT_DATA',
      `${path} cannot be read; it names the ports of the ZooKeeper servers whose data are beside it: bring it back, or remove it, then ` +
        'new ports are chosen (name as many servers as there are folders)',
      { cause },
    );
  }
};

/** Complete or not at all. */
export const writePorts = async (folder: string, servers: readonly ServerPorts[]): Promise<void> => {
  const path = join(folder, FILE);
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify({ version: 1, servers }, undefined, 2)}\n`, { mode: 0o600 });
  await rename(temporary, path);
};

export const removePorts = (folder: string): Promise<void> => rm(join(folder, FILE), { force: true });

/** Ports for so many servers: those that they had, as far as they are free, else any. */
export const choosePorts = async (
  count: number,
  had: readonly ServerPorts[],
  logger: Logger,
): Promise<readonly ServerPorts[]> => {
  const held: Server[] = [];
  const choose = async (server: number, use: keyof ServerPorts): Promise<number> => {
    const before = had[server]?.[use];
    const kept = before === undefined ? undefined : await listenAgain(before);
    if (before !== undefined && kept === undefined) {
      logger.warn(
        `Port ${before} of zookeeper-${server + 1} is in use by another process, so that it gets another one`,
      );
    }
    const holder = kept ?? (await listenOnAny(HOST));
    if (holder === undefined) {
      throw new MillraceError('ADDRESS_IN_USE', `no port is free on ${HOST} for zookeeper-${server + 1}`);
    }
    // Until all are chosen, so that none is chosen twice.
    held.push(holder);
    return (holder.address() as AddressInfo).port;
  };
  try {
    const servers: ServerPorts[] = [];
    for (let server = 0; server < count; server++) {
      servers.push({
        client: await choose(server, 'client'),
        peers: await choose(server, 'peers'),
        election: await choose(server, 'election'),
      });
    }
    return servers;
  } finally {
    await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
  }
};

/** A server that was killed a moment ago lets go of its ports when the last of its threads has ended. */
const listenAgain = async (wanted: number): Promise<Server | undefined> => {
  const deadlineMs = performance.now() + LET_GO_MS;
  for (;;) {
    const server = await listenIfFree(wanted, HOST);
    if (server !== undefined || performance.now() >= deadlineMs) {
      return server;
    }
    await sleep(LOOK_MS);
  }
};
