import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { MillraceError } from '../foundation/common/errors.ts';
import type { JobId } from '../foundation/common/ids.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import type { Option } from '../foundation/config/option.ts';
import { checkpointingOptions } from '../foundation/config/options/checkpointing-options.ts';
import { processOptions } from '../foundation/config/options/process-options.ts';
import { recoveryOptions } from '../foundation/config/options/recovery-options.ts';
import { fileSystemOf } from '../foundation/filesystem/file-systems.ts';
import { probeWritable } from '../foundation/filesystem/probe-writable.ts';
import type { JobGraph } from '../pipeline/graph/job-graph.ts';
import { jobCheckpointFolder } from '../runtime/checkpoint/checkpoint-layout.ts';

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

/** Where snapshots go when nobody says it. */
export interface DefaultPlaces {
  readonly checkpoints: string;
  readonly savepoints: string;
}

const LOCAL_DEFAULTS: DefaultPlaces = { checkpoints: DEFAULT_CHECKPOINT_DIR, savepoints: DEFAULT_SAVEPOINT_DIR };

/** What decides about the places of a job. */
export interface PlacedJob {
  readonly configuration: Configuration;
  readonly graph: Pick<JobGraph, 'checkpointing'>;
}

/**
 * `inline`: tasks run in this thread, and share its memory. Errors: BAD_OPTION for a place that cannot be one, FILESYSTEM
 * when checkpoints cannot be written.
 */
export const localPlaces = async (
  job: PlacedJob,
  jobId: JobId,
  inline: boolean,
  defaults = LOCAL_DEFAULTS,
): Promise<LocalPlaces> => {
  if (!inline) {
    requireShared(job.configuration, job.graph.checkpointing !== undefined);
  }
  const places = placesOf(job, jobId, defaults);
  if (places.checkpoints !== undefined) {
    await probeWritable(checkpointDirectory(job, defaults), checkpointingOptions.directory.key);
  }
  return places;
};

/** The places alone, unchecked. Errors: BAD_OPTION. */
export const placesOf = (job: PlacedJob, jobId: JobId, defaults: DefaultPlaces): LocalPlaces => {
  const savepoints = placeOf(job.configuration, checkpointingOptions.savepointDirectory, defaults.savepoints);
  const directory = checkpointDirectory(job, defaults);
  if (job.graph.checkpointing === undefined) {
    const notes = ['Checkpointing is off: a failure or a stop loses what the job computed (env.enableCheckpointing)'];
    return { checkpoints: undefined, savepoints, notes };
  }
  const checkpoints = jobCheckpointFolder(directory, jobId);
  return { checkpoints, savepoints, notes: [`Checkpoints go to ${checkpoints}`] };
};

const checkpointDirectory = ({ configuration }: PlacedJob, defaults: DefaultPlaces): string =>
  placeOf(configuration, checkpointingOptions.directory, defaults.checkpoints);

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

/** Each worker thread has a memory of its own: what it writes there nobody else can read, and it ends with the thread. */
const requireShared = (configuration: Configuration, checkpointing: boolean): void => {
  const { directory, savepointDirectory } = checkpointingOptions;
  for (const option of [...(checkpointing ? [directory] : []), savepointDirectory, recoveryOptions.path]) {
    const place = configuration.get(option);
    if (place !== undefined && place !== '' && isInMemory(place)) {
      throw new MillraceError(
        'BAD_OPTION',
        `${option.key} is ${place} (${configuration.origin(option)}), but the worker threads of a job do not share their ` +
          'memory; name a folder, or run the job in one thread: --inspect, or inline: true in startJob',
      );
    }
  }
};

/** Errors: BAD_OPTION. */
export const requireSharedFolder = (folder: string): void => {
  if (isInMemory(folder)) {
    throw new MillraceError(
      'BAD_OPTION',
      `a savepoint cannot go to ${folder}: the worker threads of a job do not share their memory; name a folder`,
    );
  }
};

const isInMemory = (place: string): boolean => fileSystemOf(place).fs.scheme === 'memory';
