import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { MillraceError } from '../foundation/common/errors.ts';
import type { JobId } from '../foundation/common/ids.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import type { Option } from '../foundation/config/option.ts';
import { checkpointingOptions } from '../foundation/config/options/checkpointing-options.ts';
import { processOptions } from '../foundation/config/options/process-options.ts';
import { fileSystemOf, probeWritable } from '../foundation/filesystem/file-systems.ts';
import { jobCheckpointFolder } from '../runtime/checkpoint/checkpoint-layout.ts';
import type { PlannedJob } from './plan-job.ts';

/** Where snapshots go when nobody says it: named at the start, never nowhere. */
const DEFAULT_CHECKPOINT_DIR = '.millrace/checkpoints';
const DEFAULT_SAVEPOINT_DIR = '.millrace/savepoints';

/** Where a job on this machine keeps its snapshots. */
export interface LocalPlaces {
  /** `<checkpoints.dir>/<job id>`; `undefined`: no checkpoints. */
  readonly checkpoints: string | undefined;
  readonly savepoints: string;
  /** Said at the start. */
  readonly notes: readonly string[];
}

/** Errors: BAD_OPTION and UNSUPPORTED for a place that cannot be one, FILESYSTEM when checkpoints cannot be written. */
export const localPlaces = async ({ configuration, translation }: PlannedJob, jobId: JobId): Promise<LocalPlaces> => {
  const savepoints = placeOf(configuration, checkpointingOptions.savepointDirectory, DEFAULT_SAVEPOINT_DIR);
  if (translation.jobGraph.checkpointing === undefined) {
    const notes = ['Checkpointing is off: a failure or a stop loses what the job computed (env.enableCheckpointing)'];
    return { checkpoints: undefined, savepoints, notes };
  }
  const directory = placeOf(configuration, checkpointingOptions.directory, DEFAULT_CHECKPOINT_DIR);
  await probeWritable(directory, checkpointingOptions.directory.key);
  const checkpoints = jobCheckpointFolder(directory, jobId);
  return { checkpoints, savepoints, notes: [`Checkpoints go to ${checkpoints}`] };
};

/** Where the bundle is written for this process. */
export const temporaryFolder = (configuration: Configuration): string =>
  configuration.get(processOptions.temporaryFolders)?.[0] ?? tmpdir();

/** URIs stay as they are; paths become absolute, for threads and later processes. */
export const absolutePlace = (place: string): string => (/^[a-z][a-z0-9+.-]*:/i.test(place) ? place : resolve(place));

const placeOf = (configuration: Configuration, option: Option<string | undefined>, missing: string): string => {
  const set = configuration.get(option);
  if (set === '') {
    throw new MillraceError(
      'BAD_OPTION',
      `${option.key} is empty (${configuration.origin(option)}); allowed: a folder`,
    );
  }
  const place = absolutePlace(set ?? missing);
  // A scheme that is not there is known now, not at the first savepoint.
  fileSystemOf(place);
  return place;
};
