import type { ViteUserConfig } from 'vitest/config';

/** Minutes of killed, hanging and greedy processes and threads: `npm run test:chaos`. */
export const KILLING: readonly string[] = [
  'test/chaos/long/**/*.test.ts',
  'test/golden/kill-points.test.ts',
  'test/failures/enumerators.test.ts',
  'test/failures/threads.test.ts',
];

/** What suites have in common. */
export const shared: ViteUserConfig['test'] = {
  // Bundles of jobs are imported by Node, whose hooks give them the running Millrace.
  server: { deps: { external: [/\/job-[0-9a-f]{12}\.mjs$/] } },
  globalSetup: ['test/temporary-folder.ts'],
  pool: 'forks',
  isolate: false,
};
