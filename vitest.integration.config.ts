import { defineConfig } from 'vitest/config';

/** Against the real thing: `npm run test:integration`. Linux only; each suite fails with the command that installs what it needs. */
export default defineConfig({
  test: {
    include: ['test/integration/**/*.test.ts'],
    globalSetup: ['test/temporary-folder.ts'],
    // Servers end with the thread that started them: the main one of a process.
    pool: 'forks',
    maxWorkers: 2,
    // Five times as long as the longest takes on two cores that have nothing else to do.
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
