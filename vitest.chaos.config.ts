import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/chaos/long/**/*.test.ts'],
    pool: 'threads',
    // Each starts a cluster of many processes: one after the other, whatever the number of cores.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
});
