import { MillraceError } from '../foundation/common/errors.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { recoveryOptions } from '../foundation/config/options/recovery-options.ts';
import { checkDataFiles, newerCheckpoint, readCheckpoint } from '../runtime/checkpoint/read-checkpoint.ts';
import type { InitialRestore } from '../runtime/jobmanager/jobmaster/job-master-options.ts';

export interface FoundRestore {
  readonly restore: InitialRestore;
  readonly notes: readonly string[];
}

/** What `execution.state-recovery.path` names, checked before anything starts; `undefined` when it is not set. */
export const initialRestore = async (configuration: Configuration): Promise<FoundRestore | undefined> => {
  const place = configuration.get(recoveryOptions.path);
  if (place === undefined || place === '') {
    return undefined;
  }
  if (configuration.get(recoveryOptions.claimMode) === 'CLAIM') {
    throw new MillraceError(
      'UNSUPPORTED',
      `${recoveryOptions.claimMode.key} CLAIM is not there yet; with NO_CLAIM (the default) the snapshot stays yours, ` +
        'and you delete it when the job has completed a checkpoint of its own',
    );
  }
  const found = await readCheckpoint(place);
  await checkDataFiles(found);
  const { metadata } = found;
  const notes = [
    `Starting from ${metadata.kind} ${metadata.checkpointId} of job ${metadata.jobName} in ${found.folder}`,
  ];
  const newer = await newerCheckpoint(found);
  if (newer !== undefined) {
    notes.push(
      `WARN ${newer.folder} is newer: output that was committed since checkpoint ${metadata.checkpointId} is written again`,
    );
  }
  return {
    restore: {
      metadata,
      baseFolder: found.baseFolder,
      metadataPath: found.metadataFile,
      allowNonRestoredState: configuration.get(recoveryOptions.ignoreUnclaimedState),
    },
    notes,
  };
};
