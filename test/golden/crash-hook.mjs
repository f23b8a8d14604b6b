// Preloaded (node --import) into the process under test and its workers: ends the whole process with SIGKILL at a chosen call
// of the file system. MILLRACE_TEST_KILL is JSON: { call, path, nth, when }: the nth call (counted per thread) of `rename`,
// `link`, `unlink` or `open` whose first or second path contains `path`, or of `sync` or `write` of a file handle opened for
// such a path; `when` is `before` or `after`.
import { createRequire, syncBuiltinESMExports } from 'node:module';

const spec = process.env.MILLRACE_TEST_KILL;
if (spec !== undefined && spec !== '') {
  const { call, path, nth, when } = JSON.parse(spec);
  const promises = createRequire(import.meta.url)('node:fs').promises;
  let seen = 0;

  /** Runs `run`, and the end of the process where it is due. */
  const around = async (matches, run) => {
    if (!matches || ++seen !== nth) {
      return run();
    }
    if (when === 'before') {
      process.kill(process.pid, 'SIGKILL');
    }
    const result = await run();
    process.kill(process.pid, 'SIGKILL');
    return result;
  };

  const names = (args) => args.some((arg) => typeof arg === 'string' && arg.includes(path));
  if (call === 'sync' || call === 'write') {
    const open = promises.open;
    promises.open = async (...args) => {
      const handle = await open(...args);
      if (names(args)) {
        const original = handle[call].bind(handle);
        handle[call] = (...rest) => around(true, () => original(...rest));
      }
      return handle;
    };
  } else {
    const original = promises[call];
    promises[call] = (...args) => around(names(args), () => original(...args));
  }
  syncBuiltinESMExports();
}
