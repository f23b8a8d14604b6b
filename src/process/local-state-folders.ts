import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../foundation/common/errors.ts';
import type { Logger } from '../foundation/common/logger.ts';
import type { LocalStateCare } from '../runtime/taskmanager/local-state/local-state-care.ts';
import { livesStill, ownProcess, processOwnerSchema } from './process-owner.ts';

const ownerSchema = processOwnerSchema.extend({ resourceId: z.string() });

export type LocalStateOwner = z.infer<typeof ownerSchema>;

const OWNER_FILE = 'owner.json';
const INSTANCE = /^[0-9a-f]{32}$/;
/** A folder of which nobody here can tell whether its process lives goes when nothing in it has changed for so long. */
const FOREIGN_AGE_MS = 24 * 3_600_000;
/** No way out of the folder. */
const SAFE_NAME = /^[A-Za-z0-9_-]+$/;

/** This process, as its folders name it. */
export const localStateOwner = (resourceId: string): LocalStateOwner => ({ resourceId, ...ownProcess() });

/**
 * The folders of one TaskManager process for local copies of state: `<root>/<instance id>/<job>/<vertex>-<subtask>/<file>`, and
 * `owner.json` beside the jobs, which says whose they are.
 */
export class LocalStateFolders implements LocalStateCare {
  /** One below each root that can be used; perhaps none. */
  readonly folders: readonly string[];
  readonly #roots: readonly string[];
  readonly #logger: Logger;
  readonly #jobs = new Map<string, { checkpointId: number; absent: ReadonlySet<string> }>();
  #last: Promise<void> = Promise.resolve();

  /** The roots are there, and private. */
  constructor(roots: readonly string[], instanceId: string, owner: LocalStateOwner, logger: Logger) {
    this.#roots = roots;
    this.#logger = logger;
    this.folders = roots.flatMap((root) => {
      const folder = join(root, instanceId);
      try {
        mkdirSync(folder, { mode: 0o700 });
        writeFileSync(join(folder, OWNER_FILE), JSON.stringify(owner), { mode: 0o600 });
        return [folder];
      } catch (error) {
        logger.warn(`no local copies of state are kept in ${root}: ${messageOf(error)}`);
        return [];
      }
    });
  }

  completed(job: string, checkpointId: number, here: () => ReadonlySet<string>): void {
    const before = this.#jobs.get(job);
    if (before?.checkpointId === checkpointId) {
      return;
    }
    const entry = { checkpointId, absent: new Set<string>() };
    this.#jobs.set(job, entry);
    const present = here();
    void this.#inOrder(async () => {
      for (const folder of await this.#below(job)) {
        const name = folder.slice(folder.lastIndexOf('/') + 1);
        if (present.has(name)) {
          continue;
        }
        // Absent when two checkpoints completed: it took part in the second one elsewhere, and has not just failed here.
        if (before?.absent.has(name) === true) {
          await rm(folder, { recursive: true, force: true });
        } else {
          entry.absent.add(name);
        }
      }
    });
  }

  released(job: string | undefined, threadsEnded: Promise<unknown>): void {
    if (job === undefined) {
      this.#jobs.clear();
    } else {
      this.#jobs.delete(job);
    }
    void threadsEnded.then(() => this.#inOrder(() => this.#removeJobs(job)));
  }

  /** Deletes what processes left that live no more. */
  clean(): Promise<void> {
    return this.#inOrder(async () => {
      for (const root of this.#roots) {
        for (const name of await readdir(root)) {
          const folder = join(root, name);
          // Others that start now delete the same ones.
          const isGone =
            INSTANCE.test(name) && !this.folders.includes(folder) && (await isLeft(folder).catch(() => false));
          if (isGone) {
            await rm(folder, { recursive: true, force: true });
            this.#logger.info(`deleted ${folder}: local copies of state of a TaskManager that runs no more`);
          }
        }
      }
    });
  }

  /** The process ends, its threads have. */
  close(): Promise<void> {
    return this.#inOrder(async () => {
      await Promise.all(this.folders.map((folder) => rm(folder, { recursive: true, force: true })));
    });
  }

  async #removeJobs(job: string | undefined): Promise<void> {
    for (const folder of this.folders) {
      const jobs = job === undefined ? await readdir(folder) : [job];
      for (const name of jobs.filter((each) => SAFE_NAME.test(each))) {
        await rm(join(folder, name), { recursive: true, force: true });
      }
    }
  }

  /** Folders of the subtasks of a job. */
  async #below(job: string): Promise<readonly string[]> {
    const found: string[] = [];
    for (const folder of SAFE_NAME.test(job) ? this.folders : []) {
      const names = await readdir(join(folder, job)).catch(() => []);
      found.push(...names.map((name) => join(folder, job, name)));
    }
    return found;
  }

  #inOrder(run: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(run).catch((error: unknown) => {
      this.#logger.warn(`old local copies of state stay where they are: ${messageOf(error)}`);
    });
    return this.#last;
  }
}

/** Where nobody can tell, it is taken for a living process's. */
const isLeft = async (folder: string): Promise<boolean> => {
  const owner = await ownerOf(folder);
  const lives = owner === undefined ? undefined : livesStill(owner);
  if (lives !== undefined) {
    return !lives;
  }
  const changed = await Promise.all(
    ['.', ...(await readdir(folder))].map(async (name) => (await stat(join(folder, name))).mtimeMs),
  );
  return Math.max(...changed) < Date.now() - FOREIGN_AGE_MS;
};

const ownerOf = async (folder: string): Promise<LocalStateOwner | undefined> => {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(join(folder, OWNER_FILE), 'utf8')));
  } catch {
    return undefined;
  }
};
