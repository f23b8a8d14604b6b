import { parentPort, workerData } from 'node:worker_threads';
import { present } from '../foundation/common/assert.ts';
import { errorInfo } from '../foundation/common/errors.ts';
import { loadJob } from './module-loader.ts';
import { planRescaled } from './plan-rescaled.ts';
import type { RescalePlanAnswer, RescalePlanRequest } from './rescale-plan-protocol.ts';

/** The entry of the worker thread that runs a job's builder once more, with another parallelism (R13). */
const port = present(parentPort, 'parent port');
const { program, targets } = workerData as RescalePlanRequest;

const answer = async (): Promise<RescalePlanAnswer> => {
  try {
    return { kind: 'planned', plan: planRescaled(await loadJob(program.modulePath), program, targets) };
  } catch (thrown) {
    return { kind: 'refused', error: errorInfo(thrown) };
  }
};

port.postMessage(await answer());
