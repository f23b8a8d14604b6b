import { messageOf } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import type { OperatorSubtaskState } from '../state/state-handle.ts';
import {
  checkpointFolderName,
  idOfCheckpointFolder,
  idOfDataFile,
  METADATA_NAME,
  SHARED_NAME,
} from './checkpoint-layout.ts';
import { fileHandlesOf } from './referenced-files.ts';
import { planCollection, planDeletion, planRetention } from './retention.ts';
import type { Deletions, RetainedCheckpoint, RetentionInput } from './retention.ts';

const DELETES_AT_ONCE = 16;

/** A completed checkpoint and the paths its handles name. */
export interface CompletedFiles {
  readonly checkpointId: number;
  readonly files: Iterable<string>;
}

interface CompletedInput {
  readonly completed: readonly CompletedFiles[];
}

/** An iterable may be good for one pass only, a plan needs several. */
const listed = ({ checkpointId, files }: CompletedFiles): RetainedCheckpoint => ({ checkpointId, files: [...files] });

/**
 * Deletes what plans of `retention.ts` name, pointers before files. A failure is logged, not thrown: it never concerns
 * the job, and the next collection finds what is left (I7).
 */
export class CheckpointCleaner {
  readonly #fs: FileSystem;
  readonly #jobFolder: string;
  readonly #logger: Logger;
  #failures = 0;

  constructor(fs: FileSystem, jobFolder: string, logger: Logger) {
    this.#fs = fs;
    this.#jobFolder = jobFolder;
    this.#logger = logger;
  }

  /** After the store has dropped its pointers: deletes the checkpoints that are not retained. Returns their ids. */
  async retire(input: CompletedInput & Omit<RetentionInput, 'completed'>): Promise<readonly number[]> {
    const completed = input.completed.map(listed);
    const plan = planRetention({ ...input, completed });
    const kept = completed.filter(({ checkpointId }) => !plan.checkpoints.includes(checkpointId));
    await this.#retire(plan, kept);
    return plan.checkpoints;
  }

  /** After the store has dropped the pointers to `retired`: deletes those, but no file that one of `kept` refers to. */
  async delete(retired: readonly CompletedFiles[], kept: readonly CompletedFiles[]): Promise<void> {
    const remaining = kept.map(listed);
    await this.#retire(planDeletion(retired.map(listed), remaining), remaining);
  }

  /** Deletes what crashes and aborted checkpoints left; `kept` is all that the store points to or somebody holds. */
  async collect(kept: readonly CompletedFiles[]): Promise<void> {
    const folders = await this.#attempt('list', this.#jobFolder, () => this.#fs.list(this.#jobFolder));
    const names = (folders ?? []).filter((entry) => entry.isFolder).map((entry) => entry.name);
    await this.#collectIn(
      names.filter((name) => name === SHARED_NAME || idOfCheckpointFolder(name) !== undefined),
      kept.map(listed),
    );
  }

  /**
   * Deletes what was written for a checkpoint that nothing points to and nothing will: `states` are those acknowledged. A
   * file that an older checkpoint wrote stays.
   */
  async discardAborted(checkpointId: number, states: Iterable<OperatorSubtaskState>): Promise<void> {
    const paths = fileHandlesOf(states).map((handle) => handle.path);
    await this.#carryOut({
      checkpoints: [checkpointId],
      files: paths.filter((path) => idOfDataFile(path) === checkpointId),
      folders: [checkpointFolderName(checkpointId)],
    });
  }

  /**
   * The job has ended and keeps no checkpoint: deletes all of them. What is not ours stays, and the folder with it. Returns whether every call
   * that this took was answered: if not, something of it may be left.
   */
  async deleteAll(): Promise<boolean> {
    const failuresBefore = this.#failures;
    const folders =
      (await this.#attempt('list', this.#jobFolder, () => this.#fs.list(this.#jobFolder)))
        ?.filter((entry) => entry.isFolder)
        .map((entry) => entry.name) ?? [];
    // Nothing is kept and nothing is newer, so that everything of ours is below the newest.
    const kept = [{ checkpointId: Number.MAX_SAFE_INTEGER, files: [] }];
    if (await this.#collectIn(folders, kept)) {
      await this.#deleteIfEmpty(`${this.#jobFolder}/${SHARED_NAME}`);
      await this.#deleteIfEmpty(this.#jobFolder);
    }
    return this.#failures === failuresBefore;
  }

  async #retire(plan: Deletions, kept: readonly RetainedCheckpoint[]): Promise<void> {
    if (plan.checkpoints.length > 0 && (await this.#carryOut(plan))) {
      await this.#collectIn(plan.folders, kept);
    }
  }

  /** False when a pointer could not be deleted. */
  async #collectIn(folders: readonly string[], kept: readonly RetainedCheckpoint[]): Promise<boolean> {
    const plan = planCollection({ kept, present: await this.#present(folders) });
    if (!(await this.#carryOut(plan))) {
      return false;
    }
    // Who deleted the files before may have died before their folder.
    const newest = Math.max(0, ...kept.map(({ checkpointId }) => checkpointId));
    for (const folder of folders) {
      if (!plan.folders.includes(folder) && (idOfCheckpointFolder(folder) ?? newest) < newest) {
        await this.#deleteIfEmpty(`${this.#jobFolder}/${folder}`);
      }
    }
    return true;
  }

  async #present(folders: readonly string[]): Promise<string[]> {
    const present: string[] = [];
    for (const folder of folders) {
      const entries = await this.#attempt('list', folder, () => this.#fs.list(`${this.#jobFolder}/${folder}`));
      for (const { name, isFolder } of entries ?? []) {
        if (!isFolder) {
          present.push(`${folder}/${name}`);
        }
      }
    }
    return present;
  }

  /** False when a pointer could not be deleted: then no file was, since it may be one that it leads to. */
  async #carryOut(plan: Deletions): Promise<boolean> {
    const pointers = plan.checkpoints.map((id) => `${checkpointFolderName(id)}/${METADATA_NAME}`);
    if (!(await this.#deleteFiles(pointers))) {
      return false;
    }
    await this.#deleteFiles(plan.files);
    for (const folder of plan.folders) {
      await this.#deleteIfEmpty(`${this.#jobFolder}/${folder}`);
    }
    return true;
  }

  async #deleteFiles(paths: readonly string[]): Promise<boolean> {
    let succeeded = true;
    for (let start = 0; start < paths.length; start += DELETES_AT_ONCE) {
      const deletions = paths.slice(start, start + DELETES_AT_ONCE).map(async (path) => {
        const deleted = await this.#attempt('delete', path, async () => {
          await this.#fs.delete(`${this.#jobFolder}/${path}`);
          return true;
        });
        succeeded &&= deleted === true;
      });
      await Promise.all(deletions);
    }
    return succeeded;
  }

  async #deleteIfEmpty(folder: string): Promise<void> {
    await this.#attempt('delete', folder, async () => {
      const present = await this.#fs.list(folder);
      if (present.length === 0) {
        await this.#fs.deleteFolder(folder);
      }
    });
  }

  async #attempt<T>(what: string, path: string, run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      this.#failures++;
      this.#logger.warn(`cannot ${what} ${path} of an old checkpoint: ${messageOf(error)}`, {
        folder: this.#jobFolder,
      });
      return undefined;
    }
  }
}
