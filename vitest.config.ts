import { defineConfig } from 'vitest/config';
import { KILLING, shared } from './vitest.shared.ts';

/** `npm test`. The other suites: `test:chaos`, `test:hosts` (network namespaces), `test:format` (Python), `test:integration` (ZooKeeper). */
export default defineConfig({
  test: {
    ...shared,
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: [...KILLING, 'test/format/**', 'test/hosts/**', 'test/integration/**', '**/node_modules/**'],
    // Many tests wait for processes that they started: one file at a time, the default on two cores, leaves a core idle.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
