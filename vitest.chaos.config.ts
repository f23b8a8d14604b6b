import { defineConfig } from 'vitest/config';
import { KILLING, shared } from './vitest.shared.ts';

export default defineConfig({
  test: {
    ...shared,
    include: [...KILLING],
    // Each starts a cluster of many processes: one after the other, whatever the number of cores.
    fileParallelism: false,
    // Of those that say that they can run beside others.
    maxConcurrency: 2,
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
});
