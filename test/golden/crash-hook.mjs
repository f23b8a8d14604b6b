// Preloaded into a process and its worker threads (NODE_OPTIONS=--import=...): kills the process with SIGKILL at a call of
// the file system. MILLRACE_CRASH is JSON: `call` names the function (open, link, rename, unlink, rm, write, sync, close),
// `path` is a regular expression for a path it gets (for a file handle: the path it was opened with), `nth` counts the
// matching calls of a thread from 1, and `when` says where: `before` it, `after` it, or `half`way through what it writes.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const spec = process.env.MILLRACE_CRASH;

const install = async ({ call, path, nth, when }) => {
  const pattern = new RegExp(path);
  const die = () => process.kill(process.pid, 'SIGKILL');
  let seen = 0;
  const isDue = (name, paths) =>
    name === call && paths.some((each) => typeof each === 'string' && pattern.test(each)) && ++seen === nth;
  const opened = new WeakMap();

  for (const name of ['open', 'link', 'rename', 'unlink', 'rm']) {
    const original = fs.promises[name];
    fs.promises[name] = async (...args) => {
      const due = isDue(name, args);
      if (due && when === 'before') {
        die();
      }
      const result = await original(...args);
      if (due) {
        die();
      }
      if (name === 'open') {
        opened.set(result, args[0]);
      }
      return result;
    };
  }

  const probe = await fs.promises.open(import.meta.filename);
  const handles = Object.getPrototypeOf(probe);
  await probe.close();
  for (const name of ['write', 'sync', 'close']) {
    const original = handles[name];
    handles[name] = async function (...args) {
      const due = isDue(name, [opened.get(this)]);
      if (due && when === 'before') {
        die();
      }
      if (due && when === 'half' && name === 'write') {
        const [bytes, offset = 0, length = bytes.length - offset, position] = args;
        await original.call(this, bytes, offset, length >> 1, position);
        die();
      }
      const result = await original.apply(this, args);
      if (due) {
        die();
      }
      return result;
    };
  }
  syncBuiltinESMExports();
};

if (spec !== undefined) {
  await install(JSON.parse(spec));
}
