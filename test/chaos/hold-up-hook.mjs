// Preloaded into a process (NODE_OPTIONS=--import=...): its main thread is held up as long as there is a file `hold-up-<pid>` in the home
// folder, which is that of a cluster under test. Its other threads go on.
import { existsSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const LOOK_MS = 20;

if (isMainThread) {
  const path = `${process.env.HOME}/hold-up-${process.pid}`;
  const never = new Int32Array(new SharedArrayBuffer(4));
  const look = () => {
    if (existsSync(path)) {
      process.stdout.write('held up\n');
      while (existsSync(path)) {
        Atomics.wait(never, 0, 0, LOOK_MS);
      }
      process.stdout.write('no longer held up\n');
    }
  };
  setInterval(look, LOOK_MS).unref();
}
