import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { Configuration } from '../../foundation/config/configuration.ts';
import { limitHeap } from '../heap-limit.ts';

/** A process that limits its heap as its argument says; prints its number, its limit and that of a thread with a limit of its own. */
const [size = ''] = process.argv.slice(2);
limitHeap(Configuration.of({ 'jobmanager.memory.heap.size': size }));
const source =
  "require('node:worker_threads').parentPort.postMessage(require('node:v8').getHeapStatistics().heap_size_limit)";
const worker = new Worker(source, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 500 } });
worker.once('message', (workerLimit: number) => {
  const { heap_size_limit: limit } = getHeapStatistics();
  process.stdout.write(JSON.stringify({ pid: process.pid, limit, workerLimit }));
});
