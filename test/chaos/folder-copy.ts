import { cpSync, mkdtempSync, renameSync } from 'node:fs';
import { join } from 'node:path';

const MOST_TRIES = 50;

/** A copy of a folder as it was, for a test to put back in its place. */
export class FolderCopy {
  readonly #path: string;
  /** Where copies go, and what they take the place of. */
  readonly #place: string;
  readonly #copy: string;

  /** Others may write into it meanwhile. */
  constructor(path: string, place: string) {
    this.#path = path;
    this.#place = place;
    this.#copy = this.#take();
  }

  putBack(): void {
    renameSync(this.#path, join(mkdtempSync(join(this.#place, 'aside-')), 'it'));
    cpSync(this.#copy, this.#path, { recursive: true });
  }

  /** What is deleted while it is copied makes another try. */
  #take(): string {
    for (let tries = 1; ; tries++) {
      const copy = join(mkdtempSync(join(this.#place, 'copy-')), 'it');
      try {
        cpSync(this.#path, copy, { recursive: true });
        return copy;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === MOST_TRIES) {
          throw error;
        }
      }
    }
  }
}
