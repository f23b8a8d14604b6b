// Preloaded into a process (NODE_OPTIONS=--import=...): says again and again what its main thread needs of memory, garbage left out.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

const EVERY_MS = 2_000;

if (isMainThread) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const say = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    process.stdout.write(`needed memory: ${heapUsed + external} bytes\n`);
  };
  setInterval(say, EVERY_MS).unref();
}
