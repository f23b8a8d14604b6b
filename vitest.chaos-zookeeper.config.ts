import { defineConfig } from 'vitest/config';
import chaos from './vitest.chaos.config.ts';

/** They are about files of the embedded store, start clusters of their own, or break code of their own; ZooKeeper's are in `test/integration`. */
const EMBEDDED_ONLY = ['demo', 'held-up-leaders', 'older-store', 'paused-leaders', 'sabotages', 'strangers'];

/** The scenarios of killed, hanging and greedy processes once more, with the HA store on a real ensemble. */
export default defineConfig({
  test: {
    ...chaos.test,
    include: ['test/chaos/long/**/*.test.ts'],
    exclude: EMBEDDED_ONLY.map((name) => `test/chaos/long/${name}.test.ts`),
    globalSetup: ['test/temporary-folder.ts', 'test/integration/zookeeper/chaos-setup.ts'],
  },
});
