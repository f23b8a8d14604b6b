import type { Disk } from '../../../src/foundation/filesystem/disk/disk.ts';
import { Violation } from './violation.ts';

/** What is not of one job, and the results of those that have ended. */
const KEPT = /^\/cluster\/(leader-marker$|results\/[0-9a-f]{32}-[0-9a-f]{16}$)/;
const UNFINISHED = /^\/cluster\/(results\/)?\.[^/]*\.tmp$/;
const OF_JOB = /^\/(?:checkpoints|cluster)\/([0-9a-f]{32})\//;
const ENDED = /^Job .* \(([0-9a-f]{32})\) switched from state \w+ to (?:FINISHED|CANCELED|FAILED)\b/;

/** What a leader cannot delete it tries again for so long. */
const CLEAN_UP_MS = 120_000;
const LOOK_MS = 500;

/** Looks for files that nobody will ever want, in a world whose jobs have all ended (I13). */
export class LeftBehind {
  readonly #disk: Disk;
  readonly #endedMs = new Map<string, number>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** A leader says something; `nowMs`: by the clock of the disk. */
  said(message: string, nowMs: number): void {
    const job = ENDED.exec(message)?.[1];
    if (job !== undefined) {
      this.#endedMs.set(job, nowMs);
    }
  }

  /** Lets time pass until nothing is left. Throws what stays. */
  async cleanedUp(pass: (ms: number) => Promise<void>): Promise<void> {
    let left = await this.#files();
    for (let passedMs = 0; left.length > 0 && passedMs < CLEAN_UP_MS; passedMs += LOOK_MS) {
      await pass(LOOK_MS);
      left = await this.#files();
    }
    if (left.length > 0) {
      throw new Violation('I13', `${left.join(', ')} stay behind, and all jobs have ended`);
    }
  }

  /**
   * Files of jobs and of their checkpoints. Not counted: what was begun since the newest leader came, for the next one looks; what a
   * TaskManager that was given up went on to write after its job had ended.
   */
  async #files(): Promise<readonly string[]> {
    const sinceMs = (await this.#disk.stat('/cluster/leader-marker').catch(() => undefined))?.modifiedMs ?? 0;
    const left: string[] = [];
    const look = async (folder: string): Promise<void> => {
      for (const name of await this.#disk.readFolder(folder).catch(() => [])) {
        const path = `${folder}/${name}`;
        const { isFolder, modifiedMs } = await this.#disk.stat(path);
        const endedMs = this.#endedMs.get(OF_JOB.exec(path)?.[1] ?? '') ?? Number.POSITIVE_INFINITY;
        if (isFolder) {
          // The HA store looks after its own.
          await (path === '/cluster/ha-store' ? undefined : look(path));
        } else if (!KEPT.test(path) && modifiedMs <= endedMs && (!UNFINISHED.test(path) || modifiedMs < sinceMs)) {
          left.push(path);
        }
      }
    };
    await look('/checkpoints');
    await look('/cluster');
    return left;
  }
}
