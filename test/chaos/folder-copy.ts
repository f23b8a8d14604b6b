import { mkdtempSync, renameSync } from 'node:fs';
// Not `cpSync`: it ends the whole process where a folder is deleted under it (Node 24).
import { cp } from 'node:fs/promises';
import { join } from 'node:path';

const MOST_TRIES = 50;

/** A copy of a folder as it was, for a test to put back in its place. */
export class FolderCopy {
  readonly #path: string;
  /** Where copies go, and what they take the place of. */
  readonly #place: string;
  readonly #copy: string;

  private constructor(path: string, place: string, copy: string) {
    this.#path = path;
    this.#place = place;
    this.#copy = copy;
  }

  /** Others may write into it meanwhile: what is deleted while it is copied makes another try. */
  static async take(path: string, place: string): Promise<FolderCopy> {
    for (let tries = 1; ; tries++) {
      const copy = join(mkdtempSync(join(place, 'copy-')), 'it');
      try {
        await cp(path, copy, { recursive: true });
        return new FolderCopy(path, place, copy);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === MOST_TRIES) {
          throw error;
        }
      }
    }
  }

  async putBack(): Promise<void> {
    renameSync(this.#path, join(mkdtempSync(join(this.#place, 'aside-')), 'it'));
    await cp(this.#copy, this.#path, { recursive: true });
  }
}
