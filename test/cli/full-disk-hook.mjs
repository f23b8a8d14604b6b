// Preloaded into a process and its worker threads (NODE_OPTIONS=--import=...): a disk that gets full. MILLRACE_FULL_DISK
// is JSON: once a thread has written `afterBytes` to files whose path has `path` in it, every further write fails.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { path, afterBytes } = JSON.parse(process.env.MILLRACE_FULL_DISK);
const watched = new WeakSet();
let written = 0;

const { open } = fs.promises;
fs.promises.open = async (...args) => {
  const handle = await open(...args);
  if (String(args[0]).includes(path)) {
    watched.add(handle);
  }
  return handle;
};
syncBuiltinESMExports();

const probe = await open(import.meta.filename);
const handles = Object.getPrototypeOf(probe);
await probe.close();
const { write } = handles;
handles.write = async function (...args) {
  if (watched.has(this) && written > afterBytes) {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      errno: -28,
      syscall: 'write',
    });
  }
  const result = await write.apply(this, args);
  written += watched.has(this) ? result.bytesWritten : 0;
  return result;
};
