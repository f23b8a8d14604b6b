import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../foundation/common/errors.ts';

/** Processes on one machine see each other; containers that share a folder have names of their own. */
const machine = (): string => createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** A folder for the bundle of one run, below the temporary folder. */
export class BundleFolder {
  readonly path: string;
  readonly #removeAtExit = (): void => rmSync(this.path, { recursive: true, force: true });

  private constructor(path: string) {
    this.path = path;
    process.once('exit', this.#removeAtExit);
  }

  static async make(temporary: string): Promise<BundleFolder> {
    return new BundleFolder(await mkdtemp(join(temporary, `millrace-${machine()}-${process.pid}-`)));
  }

  async remove(): Promise<void> {
    process.off('exit', this.#removeAtExit);
    await rm(this.path, { recursive: true, force: true });
  }

  /** Removes the folders of processes of this machine that were killed; what cannot be removed stays. */
  static async removeLeftOvers(temporary: string): Promise<void> {
    const pattern = new RegExp(`^millrace-${machine()}-(?<pid>\\d+)-\\w{6}$`);
    const names = await readdir(temporary).catch(() => []);
    const leftOvers = names.filter((name) => {
      const pid = pattern.exec(name)?.groups?.['pid'];
      return pid !== undefined && !isAlive(Number(pid));
    });
    await Promise.all(
      leftOvers.map((name) => rm(join(temporary, name), { recursive: true, force: true }).catch(() => {})),
    );
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
};
