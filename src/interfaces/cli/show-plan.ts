import type { Configuration } from '../../foundation/config/configuration.ts';
import { decodeValue } from '../../foundation/serialization/value-codec.ts';
import type { JobSubmission } from '../rest/cluster-gateway.ts';
import { presentPlan } from '../rest/routes/present-plan.ts';
import { bundleJob } from './bundle/bundle-job.ts';
import type { PlanJob } from './cluster/cluster-run.ts';
import type { Terminal } from './terminal.ts';

export interface PlanOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly external: readonly string[];
  readonly configuration: Configuration;
}

/** There is no job yet whose id it could have. */
const NO_JOB = '0'.repeat(32);

/** `millrace info`: the plan between the lines that Flink prints around it. */
export const showPlan = async (
  { file, args, env, external, configuration }: PlanOptions,
  { terminal, plan }: { readonly terminal: Terminal; readonly plan: PlanJob },
): Promise<void> => {
  const bundle = await bundleJob(file, { external });
  const { jobGraph, warnings } = await plan({ bundle, args, env, configuration, inline: false });
  for (const warning of [...bundle.warnings, ...warnings]) {
    terminal.log(`WARN ${warning}`);
  }
  const graph = decodeValue(jobGraph) as JobSubmission['graph'];
  await terminal.print('----------------------- Execution Plan -----------------------');
  await terminal.print(JSON.stringify(presentPlan(NO_JOB, graph), undefined, 2));
  await terminal.print('--------------------------------------------------------------');
};
