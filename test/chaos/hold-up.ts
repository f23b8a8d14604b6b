import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterUnderTest } from './cluster-under-test.ts';

/** For the processes of a cluster whose main threads are to be held up. */
export const HOLD_UP_ENV = {
  NODE_OPTIONS: `--import=${fileURLToPath(new URL('hold-up-hook.mjs', import.meta.url))}`,
};

/** The main thread of a process does nothing from now on. Returns what lets it go again. */
export const holdUp = async (cluster: ClusterUnderTest, name: string): Promise<() => Promise<void>> => {
  const path = join(cluster.folder, `hold-up-${cluster.pidOf(name)}`);
  writeFileSync(path, '');
  await cluster.until('it is held up', () => cluster.saidBy(name, /^held up/).length > 0);
  return async () => {
    rmSync(path);
    await cluster.until('it goes on', () => cluster.saidBy(name, /no longer held up/).length > 0);
  };
};
