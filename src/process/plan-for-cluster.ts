import type { Configuration } from '../foundation/config/configuration.ts';
import { isSecret } from '../foundation/config/option-registry.ts';
import { checkpointingOptions } from '../foundation/config/options/checkpointing-options.ts';
import { recoveryOptions } from '../foundation/config/options/recovery-options.ts';
import { encodeValue } from '../foundation/serialization/value-codec.ts';
import { writeBundle } from '../interfaces/cli/bundle/bundle-file.ts';
import type { PlannedSubmission } from '../interfaces/cli/cluster/cluster-run.ts';
import type { RunRequest } from '../interfaces/cli/job-run.ts';
import { BundleFolder } from './bundle-folder.ts';
import { absolutePlace, temporaryFolder } from './local-places.ts';
import { loadJob } from './module-loader.ts';
import { planJob } from './plan-job.ts';
import { runJobFile } from './run-job-file.ts';

/** What is the client's or the cluster's own and no job's. */
const NOT_OF_JOBS = /^(?:security|high-availability|rest|web|jobmanager|taskmanager|heartbeat|cluster|pekko|env)\./;

/** Runs the builder as every process of the cluster will, and keeps nothing of it but the graph. Errors: BAD_JOB. */
export const planForCluster = async (request: RunRequest): Promise<PlannedSubmission> => {
  const folder = await BundleFolder.make(temporaryFolder(request.configuration));
  try {
    const modulePath = await writeBundle(request.bundle, folder.path);
    const configuration = travelling(request.configuration);
    const { translation, warnings } = await runJobFile(request.bundle.file, async () =>
      planJob(
        await loadJob(modulePath, request.bundle.file),
        { args: request.args, env: request.env ?? {}, configuration },
        { guardEnvironment: true },
      ),
    );
    const { jobGraph } = translation;
    return { jobName: jobGraph.name, jobGraph: encodeValue(jobGraph, 'job graph'), configuration, warnings };
  } finally {
    await folder.remove();
  }
};

/** Folders are meant as this command line sees them. */
const FOLDERS = [recoveryOptions.path, checkpointingOptions.directory, checkpointingOptions.savepointDirectory];

const travelling = (given: Configuration): Readonly<Record<string, string>> => {
  const places = FOLDERS.map((option) => [option.key, given.get(option)] as const);
  const absolute = places.map(([key, place]) => [key, place === undefined ? undefined : absolutePlace(place)]);
  const all = given.with(Object.fromEntries(absolute) as Record<string, string | undefined>, 'command line').toRecord();
  return Object.fromEntries(Object.entries(all).filter(([key]) => !NOT_OF_JOBS.test(key) && !isSecret(key)));
};
