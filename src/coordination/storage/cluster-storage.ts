import { MillraceError } from '../../foundation/common/errors.ts';
import type { JobId } from '../../foundation/common/ids.ts';
import type { Random } from '../../foundation/common/random.ts';
import { targetOfTemporaryName } from '../../foundation/filesystem/disk/temporary-name.ts';
import { fileSystemOf, uriOf, type Location } from '../../foundation/filesystem/file-systems.ts';
import type { FileEntry, FileSystem } from '../../foundation/filesystem/file-system.ts';
import { isProbeName } from '../../foundation/filesystem/probe-writable.ts';
import { BundleStore } from './bundle-store.ts';
import { JobGraphFiles } from './job-graph-files.ts';
import { JobResultFiles } from './job-result-files.ts';
import { LeaderMarker } from './leader-marker.ts';
import {
  CHECKPOINTS_NAME,
  clusterFolder,
  EMBEDDED_STORE_NAME,
  isGraphFileName,
  isJobFolderName,
  MARKER_NAME,
  RESULTS_NAME,
  SAVEPOINTS_NAME,
} from './storage-layout.ts';

/** A probe is written, read and deleted within milliseconds, by processes that start beside a leader. */
const PROBE_MS = 60_000;

/** What one cluster keeps below `high-availability.storageDir`. Data goes here first, then a pointer into the store (I3). */
export class ClusterStorage {
  readonly fs: FileSystem;
  /** `<storageDir>/<cluster-id>`, as a path of `fs`. */
  readonly folder: string;
  readonly jobGraphs: JobGraphFiles;
  readonly bundles: BundleStore;
  readonly results: JobResultFiles;
  readonly marker: LeaderMarker;

  /** Where a path or URI leads, of jobs' checkpoints for instance, which may lie elsewhere. Errors: BAD_OPTION. */
  readonly locate: (uri: string) => Location;

  constructor(fs: FileSystem, folder: string, random: Random, locate = fileSystemOf) {
    this.locate = locate;
    this.fs = fs;
    this.folder = folder;
    this.jobGraphs = new JobGraphFiles(fs, random);
    this.bundles = new BundleStore(fs);
    this.results = new JobResultFiles(fs, random);
    this.marker = new LeaderMarker(fs, folder);
  }

  /** BAD_OPTION for a URI or a cluster id that makes no sense. */
  static of(storageDirectory: string, clusterId: string, random: Random): ClusterStorage {
    const { fs, path } = fileSystemOf(clusterFolder(storageDirectory, clusterId));
    return new ClusterStorage(fs, path, random);
  }

  jobFolder(jobId: JobId): string {
    return `${this.folder}/${jobId}`;
  }

  get resultsFolder(): string {
    return `${this.folder}/${RESULTS_NAME}`;
  }

  /** The default of `execution.checkpointing.dir`, as a path or URI for it. */
  get checkpointDirectory(): string {
    return uriOf({ fs: this.fs, path: `${this.folder}/${CHECKPOINTS_NAME}` });
  }

  /** Where savepoints go when nobody says where, as a path or URI. */
  get savepointDirectory(): string {
    return uriOf({ fs: this.fs, path: `${this.folder}/${SAVEPOINTS_NAME}` });
  }

  get embeddedStoreFolder(): string {
    return `${this.folder}/${EMBEDDED_STORE_NAME}`;
  }

  /** Jobs that have a job graph file, whatever the HA store says. */
  async jobIds(): Promise<readonly JobId[]> {
    const found: JobId[] = [];
    for (const { name, isFolder } of await this.fs.list(this.folder)) {
      if (isFolder && isJobFolderName(name)) {
        const files = await this.fs.list(this.jobFolder(name));
        if (files.some((file) => isGraphFileName(file.name))) {
          found.push(name);
        }
      }
    }
    return found;
  }

  /** The job graph files and bundles of a job; the pointers to them are deleted before (I3). */
  async deleteJob(jobId: JobId): Promise<void> {
    await this.fs.deleteFolder(this.jobFolder(jobId));
  }

  /**
   * Deletes what processes that were killed had begun to write beside the folders of jobs (I13). What was begun since the newest leader wrote
   * its marker stays: it may be that leader's. Probes of JobManagers that are just starting stay, too. Ages are those of the file system, not of
   * this machine's clock. Errors: FILESYSTEM.
   */
  async deleteUnfinished(): Promise<void> {
    const marker = await this.fs.stat(`${this.folder}/${MARKER_NAME}`);
    if (marker === undefined) {
      return;
    }
    for (const folder of [this.folder, this.resultsFolder]) {
      for (const name of await this.fs.names(folder)) {
        const path = `${folder}/${name}`;
        const begun = isUnfinishedName(name) ? await this.fs.stat(path) : undefined;
        if (begun !== undefined && begun.modifiedMs + inUseMs(begun) < marker.modifiedMs) {
          await this.fs.delete(path);
        }
      }
    }
  }

  /** A store without anything in it is a beginning only where no job is kept here (R12); else STORE_EMPTY. */
  async requireNoJobs(store: string): Promise<void> {
    const jobs = await this.jobIds();
    if (jobs.length > 0) {
      const some = jobs.slice(0, 3).join(', ') + (jobs.length > 3 ? ', ...' : '');
      throw new MillraceError(
        'STORE_EMPTY',
        `the HA store at ${store} is empty, but ${this.folder} holds ${jobs.length === 1 ? 'a job' : `${jobs.length} jobs`} of ` +
          `this cluster (${some}). Put the store back, or write it anew from those files (millrace ha restore --from-storage), or name the right one, or begin anew under another ` +
          'high-availability.cluster-id, or leave those jobs behind with high-availability.start-empty: true (they are not started; ' +
          'each can be started from its newest checkpoint with "millrace run --fromSavepoint")',
      );
    }
  }
}

const isUnfinishedName = (name: string): boolean => isProbeName(name) || targetOfTemporaryName(name) !== undefined;

/** For how long somebody who is no leader may be at work on a file. */
const inUseMs = ({ name }: FileEntry): number => (isProbeName(name) ? PROBE_MS : 0);
