import type { Clock } from '../../../foundation/common/clock.ts';
import { messageOf } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { FileEntry } from '../../../foundation/filesystem/file-system.ts';
import type { PartFolder } from './part-commit.ts';

const FIRST_PAUSE_MS = 30_000;

export interface LeftOverSweepOptions {
  readonly folder: PartFolder;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether no checkpoint that counts can list the file: an earlier attempt of this subtask made it. */
  readonly isLeftOver: (name: string) => boolean;
}

/**
 * Deletes the hidden parts of earlier attempts. At the start that is what R3 asks for; but an attempt that was given up because its process
 * was paused may make another one when it is woken, which nobody told this one of. So it looks again: when it commits, after pauses that
 * double, and before its end. A folder may have many files, and is listed a few times only; what such an attempt left is gone after at most
 * twice the time for which it was paused.
 */
export class LeftOverSweep {
  readonly #options: LeftOverSweepOptions;
  #pauseMs = FIRST_PAUSE_MS;
  #nextMs: number;

  constructor(options: LeftOverSweepOptions) {
    this.#options = options;
    this.#nextMs = options.clock.monotonic() + this.#pauseMs;
  }

  async sweep(listing: readonly FileEntry[]): Promise<void> {
    const { folder, isLeftOver } = this.#options;
    for (const { name } of listing) {
      if (isLeftOver(name)) {
        await folder.fs.delete(`${folder.path}/${name}`);
      }
    }
  }

  /** Never rejects: what stays harms nobody, and goes the next time. */
  async sweepAgain(isLast: boolean): Promise<void> {
    const { folder, clock, logger } = this.#options;
    if (!isLast && clock.monotonic() < this.#nextMs) {
      return;
    }
    this.#pauseMs *= 2;
    this.#nextMs = clock.monotonic() + this.#pauseMs;
    try {
      await this.sweep(await folder.fs.list(folder.path));
    } catch (thrown) {
      logger.debug(`what earlier attempts left in ${folder.path} stays there for now: ${messageOf(thrown)}`);
    }
  }
}
