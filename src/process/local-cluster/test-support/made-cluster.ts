import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { Configuration } from '../../../foundation/config/configuration.ts';
import type { ClusterProcess, ClusterSight, ClusterStart } from '../../../interfaces/cli/local-cluster.ts';
import { ProcessCluster, type ProcessClusterOptions } from '../process-cluster.ts';

const STAND_IN = new URL('stand-in.ts', import.meta.url).pathname;

export const cleanUps: (() => Promise<unknown>)[] = [];

/** After each test. */
export const cleanUp = async (): Promise<void> => {
  for (const clean of cleanUps.splice(0).toReversed()) {
    await clean();
  }
};

export const sight = (taskManagers: number, restAddress = 'http://127.0.0.1:8081'): ClusterSight => ({
  taskManagers,
  leader: { restAddress, sessionId: 'a session' },
});

/** A cluster of stand-ins, in a folder of its own. */
export interface MadeCluster {
  readonly cluster: ProcessCluster;
  readonly folder: string;
  readonly events: () => Promise<readonly string[]>;
  readonly start: (changes?: Partial<ClusterStart>) => Promise<void>;
}

export const makeCluster = async (
  env: Record<string, string> = {},
  changes: Partial<ProcessClusterOptions> = {},
): Promise<MadeCluster> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-cluster-'));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'events');
  const cluster = new ProcessCluster({
    folder: join(folder, 'run'),
    program: [process.execPath, STAND_IN],
    env: { PATH: process.env['PATH'], STAND_IN_EVENTS: path, ...env },
    leaderSession: () => Promise.resolve(undefined),
    clock: systemClock,
    logger: silentLogger,
    ...changes,
  });
  cleanUps.push(() => cluster.stop());
  const events = async (): Promise<readonly string[]> =>
    (await readFile(path, 'utf8').catch(() => ''))
      .trim()
      .split('\n')
      .filter((line) => line !== '');
  return {
    cluster,
    folder,
    events,
    start: (asked) =>
      cluster.start({
        jobManagers: 2,
        taskManagers: 2,
        isSupervised: false,
        isInsecure: false,
        configuration: Configuration.of({ 'rest.bind-port': 0 }, '-D'),
        configDir: undefined,
        look: async () => {
          const started = (await events()).filter((event) => event.endsWith(' started'));
          const count = (kind: string): number => started.filter((event) => event.startsWith(kind)).length;
          return count('jobmanager') < 2 ? undefined : sight(count('taskmanager'));
        },
        ...asked,
      }),
  };
};

/** Polls until it holds; the test's own limit ends it. */
export const until = async <T>(find: () => Promise<T | undefined>): Promise<T> => {
  for (;;) {
    const found = await find();
    if (found !== undefined) {
      return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

export const named = async (cluster: ProcessCluster, name: string): Promise<ClusterProcess> => {
  const found = (await cluster.processes()).find((process) => process.name === name);
  expect(found).toBeDefined();
  return found!;
};
