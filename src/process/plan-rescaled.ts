import { Configuration } from '../foundation/config/configuration.ts';
import { mapType } from '../foundation/config/option-type.ts';
import { executionOptions } from '../foundation/config/options/execution-options.ts';
import type { JobDefinition } from '../pipeline/api/job.ts';
import type { StreamNode } from '../pipeline/graph/stream-graph.ts';
import type { RescaledPlan, RescaleTargets } from '../runtime/jobmanager/dispatcher/job-starter.ts';
import type { JobProgram } from '../runtime/protocol/task-commands.ts';
import { parallelismOverrides, planJob } from './plan-job.ts';

/**
 * Draws a job with another parallelism. What differs from the code goes into the configuration that every process of the job gives
 * to the builder, so that all draw the same graph. Errors: BAD_JOB for what cannot run so.
 */
export const planRescaled = (
  definition: JobDefinition,
  program: Pick<JobProgram, 'args' | 'env' | 'configuration'>,
  { parallelism, operators }: RescaleTargets,
): RescaledPlan => {
  const overrides = new Map(parallelismOverrides(Configuration.of(program.configuration, 'the job')));
  if (parallelism !== undefined) {
    for (const [id, node] of planJob(definition, program).translation.nodeOf) {
      if (isAdjustable(node)) {
        overrides.set(id, Math.min(parallelism, node.parallelismLimit ?? Infinity));
      }
    }
  }
  operators.forEach((wanted, id) => overrides.set(id, wanted));
  const entries = [...overrides].map(([id, wanted]) => [id, String(wanted)] as const);
  const configuration = {
    ...program.configuration,
    [executionOptions.parallelismOverrides.key]: mapType.format(Object.fromEntries(entries)),
  };
  return { graph: planJob(definition, { ...program, configuration }).translation.jobGraph, configuration };
};

/** Its code says no parallelism of its own: it has that of the job, as far as there is work for it. */
const isAdjustable = ({ fixedParallelism, parallelism, parallelismLimit }: StreamNode): boolean =>
  fixedParallelism === undefined && (parallelism === undefined || parallelism === parallelismLimit);
