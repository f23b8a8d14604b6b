// Preloaded into a process and its worker threads (NODE_OPTIONS=--import=...): a shared folder behind a network, as a hard mount has
// it. While the file MILLRACE_FOLDER_AWAY exists, calls for what lies below MILLRACE_SHARED_FOLDER hang; then they are carried out,
// however old they are.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const { MILLRACE_FOLDER_AWAY: flag, MILLRACE_SHARED_FOLDER: shared } = process.env;
const LOOK_MS = 20;

const isShared = (path) => typeof path === 'string' && path.startsWith(shared);

const reachable = async () => {
  while (fs.existsSync(flag)) {
    await sleep(LOOK_MS);
  }
};

const { open } = fs.promises;
const handles = new WeakSet();

for (const name of [
  'access',
  'link',
  'lstat',
  'mkdir',
  'readdir',
  'readFile',
  'rename',
  'rm',
  'stat',
  'unlink',
  'writeFile',
]) {
  const original = fs.promises[name];
  fs.promises[name] = async (...args) => {
    if (args.some(isShared)) {
      await reachable();
    }
    return original(...args);
  };
}
fs.promises.open = async (...args) => {
  if (isShared(args[0])) {
    await reachable();
  }
  const handle = await open(...args);
  if (isShared(args[0])) {
    handles.add(handle);
  }
  return handle;
};
syncBuiltinESMExports();

const probe = await open(import.meta.filename);
const prototype = Object.getPrototypeOf(probe);
await probe.close();
for (const name of ['datasync', 'read', 'readFile', 'stat', 'sync', 'truncate', 'write', 'writeFile', 'writev']) {
  const original = prototype[name];
  prototype[name] = async function (...args) {
    if (handles.has(this)) {
      await reachable();
    }
    return original.apply(this, args);
  };
}
