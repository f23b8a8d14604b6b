import type { Server } from 'node:net';
import { listenIfFree } from '../../../src/process/local-cluster/free-port.ts';

/* Below those that systems hand out, and those that a local cluster takes. */
const FIRST = 10_000;
const END = 20_000;
const BLOCK = 32;
const BLOCKS = Math.floor((END - FIRST) / BLOCK);
const HOST = '127.0.0.1';

/**
 * Ports of one ensemble as long as it lives, also while its servers are dead: whoever looks for a block passes over one whose first port
 * is listened on, which ends with the process at the latest.
 */
export class PortBlock {
  readonly ports: readonly number[];
  readonly #claim: Server;

  private constructor(ports: readonly number[], claim: Server) {
    this.ports = ports;
    this.#claim = claim;
  }

  static async claim(count: number): Promise<PortBlock> {
    if (count >= BLOCK) {
      throw new Error(`${count} ports are more than a block has`);
    }
    const start = process.pid % BLOCKS;
    for (let tried = 0; tried < BLOCKS; tried++) {
      const first = FIRST + ((start + tried) % BLOCKS) * BLOCK;
      const claim = await listenIfFree(first, HOST);
      if (claim !== undefined) {
        const ports = Array.from({ length: count }, (_, at) => first + 1 + at);
        if (await areFree(ports)) {
          claim.unref();
          return new PortBlock(ports, claim);
        }
        await closed(claim);
      }
    }
    throw new Error(`no ${count} ports between ${FIRST} and ${END} are free`);
  }

  release(): Promise<void> {
    return closed(this.#claim);
  }
}

const closed = (server: Server): Promise<void> => new Promise((done) => server.close(() => done()));

const areFree = async (ports: readonly number[]): Promise<boolean> => {
  for (const port of ports) {
    const server = await listenIfFree(port, HOST);
    if (server === undefined) {
      return false;
    }
    await closed(server);
  }
  return true;
};
