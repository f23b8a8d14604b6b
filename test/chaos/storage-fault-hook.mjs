// Preloaded into a process and its worker threads (NODE_OPTIONS=--import=...): a disk that is full, read-only or slow while a file
// says so: `fault` in the home folder, which is that of a cluster under test; the disk is what is below its `storage`.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

const file = `${process.env.HOME}/fault`;
const path = `${process.env.HOME}/storage`;
const SLOW_MS = 300;
const ours = new WeakSet();

const isOurs = (value) => typeof value === 'string' && value.startsWith(path);
const fail = (code, text) => {
  throw Object.assign(new Error(`${code}: ${text}`), { code });
};

/** Before anything changes on that disk; `needsSpace`: also where a name is made or bytes are written. */
const meet = async (needsSpace) => {
  const fault = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  if (fault === 'read-only') {
    fail('EROFS', 'read-only file system');
  } else if (fault === 'full' && needsSpace) {
    fail('ENOSPC', 'no space left on device');
  } else if (fault === 'slow') {
    await pause(SLOW_MS);
  }
};

const { open, link, rename, mkdir, unlink, rm } = fs.promises;
fs.promises.open = async (...args) => {
  const isWritten = isOurs(args[0]) && /[wax+]/.test(String(args[1] ?? 'r'));
  if (isWritten) {
    await meet(true);
  }
  const handle = await open(...args);
  if (isWritten) {
    ours.add(handle);
  }
  return handle;
};
const changing =
  (change, needsSpace) =>
  async (...args) => {
    if (args.some(isOurs)) {
      await meet(needsSpace);
    }
    return change(...args);
  };
Object.assign(fs.promises, {
  link: changing(link, true),
  rename: changing(rename, false),
  mkdir: changing(mkdir, true),
  unlink: changing(unlink, false),
  rm: changing(rm, false),
});
syncBuiltinESMExports();

const probe = await open(import.meta.filename);
const handles = Object.getPrototypeOf(probe);
await probe.close();
const { write } = handles;
handles.write = async function (...args) {
  if (ours.has(this)) {
    await meet(true);
  }
  return write.apply(this, args);
};
