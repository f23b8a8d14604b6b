// Preloaded into a process (NODE_OPTIONS=--import=...): its main thread is held up for as many milliseconds as the file `hold-up-<pid>`
// in the home folder says, which is that of a cluster under test, and takes that file away. Its other threads go on.
import { readFileSync, unlinkSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const LOOK_MS = 20;

if (isMainThread) {
  const path = `${process.env.HOME}/hold-up-${process.pid}`;
  const never = new Int32Array(new SharedArrayBuffer(4));
  const look = () => {
    let text;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      return;
    }
    // Whoever writes the file may not have come to what is in it.
    if (text.endsWith('\n')) {
      unlinkSync(path);
      process.stdout.write('held up\n');
      Atomics.wait(never, 0, 0, Number(text));
      process.stdout.write('no longer held up\n');
    }
  };
  setInterval(look, LOOK_MS).unref();
}
