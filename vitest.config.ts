import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // Needs Python: a suite of its own, `npm run test:format`.
    // `test/chaos/long`: minutes of killed processes, `npm run test:chaos`.
    exclude: ['test/format/**', 'test/chaos/long/**', '**/node_modules/**'],
    // Bundles of jobs are imported by Node, whose hooks give them the running Millrace.
    server: { deps: { external: [/\/job-[0-9a-f]{12}\.mjs$/] } },
    pool: 'threads',
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
