import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file with a byte that is not what it was, until it is mended. */
export class DamagedFile {
  readonly path: string;
  readonly #before: Buffer;

  /** What the store has of a job: the one file in this folder whose name begins so. */
  static beginning(folder: string, start: string): DamagedFile {
    return new DamagedFile(
      join(
        folder,
        readdirSync(folder).find((name) => name.startsWith(start))!,
      ),
    );
  }

  /** The metadata of this checkpoint in a folder of a job and of all later ones: its pointer may be of one that nobody told. */
  static checkpointsFrom(folder: string, id: number): readonly DamagedFile[] {
    return readdirSync(folder)
      .filter((name) => Number(/^chk-(\d+)$/.exec(name)?.[1] ?? 0) >= id)
      .map((name) => join(folder, name, '_metadata'))
      .filter((path) => existsSync(path))
      .map((path) => new DamagedFile(path));
  }

  /** The metadata of the checkpoint with the highest number in a folder of a job. */
  static newestCheckpoint(folder: string): DamagedFile {
    const newest = Math.max(...readdirSync(folder).map((name) => Number(/^chk-(\d+)$/.exec(name)?.[1] ?? 0)));
    return new DamagedFile(join(folder, `chk-${newest}`, '_metadata'));
  }

  constructor(path: string) {
    this.path = path;
    this.#before = readFileSync(path);
    const bytes = Buffer.from(this.#before);
    const middle = bytes.length >> 1;
    bytes[middle] = bytes[middle]! ^ 0xff;
    writeFileSync(path, bytes);
  }

  mend(): void {
    writeFileSync(this.path, this.#before);
  }
}
