/** Where Node keeps what it has compiled: tests start thousands of threads and processes of the same code. */
export const COMPILE_CACHE = 'NODE_COMPILE_CACHE';

/** What a process has that a test starts: nothing of this one's but how programs are found and how they start fast. */
export const processEnvironment = (home: string): Readonly<Record<string, string | undefined>> => ({
  PATH: process.env['PATH'],
  [COMPILE_CACHE]: process.env[COMPILE_CACHE],
  HOME: home,
  TMPDIR: home,
});
