import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // Needs Python: a suite of its own, `npm run test:format`.
    // `test/chaos/long`: minutes of killed processes, `npm run test:chaos`.
    // `test/hosts`: hosts that are network namespaces, `npm run test:hosts`.
    exclude: ['test/format/**', 'test/chaos/long/**', 'test/hosts/**', '**/node_modules/**'],
    // Bundles of jobs are imported by Node, whose hooks give them the running Millrace.
    server: { deps: { external: [/\/job-[0-9a-f]{12}\.mjs$/] } },
    pool: 'threads',
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
