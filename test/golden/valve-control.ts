import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The test's side of a `valve` source. */
export class ValveControl {
  readonly #file: string;

  constructor(folder: string, name: string) {
    this.#file = join(folder, name);
  }

  /** Each split emits its records below `limit`. */
  open(limit: number): void {
    // Renamed into place, so that the job never reads half a number.
    writeFileSync(`${this.#file}.new`, String(limit));
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** The source ends when it has emitted what it may. */
  end(): void {
    writeFileSync(`${this.#file}.end`, '');
  }
}
