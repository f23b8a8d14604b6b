import { defineConfig } from 'vitest/config';

/** Against the real thing: `npm run test:integration`. Linux only; each suite fails with the command that installs what it needs. */
export default defineConfig({
  test: {
    include: ['test/integration/**/*.test.ts'],
    globalSetup: ['test/temporary-folder.ts'],
    // Servers end with the thread that started them: the main one of a process.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 90_000,
  },
});
