import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../foundation/common/errors.ts';

export interface RotatingFileOptions {
  readonly path: string;
  /** A file that would become larger is put aside first. */
  readonly maxBytes: number;
  /** Files put aside that are kept: `<path>.1`, the newest, to `<path>.<maxFiles>`. */
  readonly maxFiles: number;
  /** The line that stands for lines which could not be written. */
  readonly lostNotice: (count: number, reason: string) => string;
}

/**
 * A file that lines are appended to, each written before the call returns: what a process said before it crashed is there. Nothing
 * that goes wrong is thrown (a full disk must not end a process); what gets lost is counted, and said once there is room again.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #fd: number | undefined;
  #lost = 0;
  #reason = '';
  /** A write ended within a line. */
  #isTorn = false;
  /** Putting aside failed: not tried again below this size. */
  #rotateAboveBytes: number;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#rotateAboveBytes = options.maxBytes;
  }

  /** `line` without its end. */
  write(line: string): void {
    try {
      const { lostNotice } = this.#options;
      const notice = this.#lost === 0 ? '' : `${lostNotice(this.#lost, this.#reason)}\n`;
      const bytes = Buffer.from(`${this.#isTorn ? '\n' : ''}${notice}${line}\n`, 'utf8');
      this.#append(this.#fileFor(bytes.length), bytes);
      this.#lost = 0;
    } catch (thrown) {
      this.#lost++;
      this.#reason = messageOf(thrown);
      // The next line looks for the file anew: its folder may be another one by then.
      this.close();
    }
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) {
      try {
        closeSync(fd);
      } catch {
        // Nothing is written through it any more.
      }
    }
  }

  #append(fd: number, bytes: Buffer): void {
    let written = 0;
    try {
      while (written < bytes.length) {
        written += writeSync(fd, bytes, written);
      }
      this.#isTorn = false;
    } catch (thrown) {
      this.#isTorn ||= written > 0;
      throw thrown;
    }
  }

  #fileFor(moreBytes: number): number {
    const fd = this.#open();
    const { size } = fstatSync(fd);
    return size === 0 || size + moreBytes <= this.#rotateAboveBytes ? fd : this.#rotate(fd, size);
  }

  #open(): number {
    if (this.#fd === undefined) {
      const { path } = this.#options;
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      this.#fd = openSync(path, 'a', 0o600);
    }
    return this.#fd;
  }

  #rotate(fd: number, sizeBytes: number): number {
    const { path, maxBytes, maxFiles } = this.#options;
    try {
      // Another process that writes to the same file may have put it aside already.
      if (isSameFile(fd, path)) {
        for (let number = maxFiles; number > 0; number--) {
          renameIfThere(number === 1 ? path : `${path}.${number - 1}`, `${path}.${number}`);
        }
        if (maxFiles === 0) {
          rmSync(path, { force: true });
        }
      }
      this.#rotateAboveBytes = maxBytes;
    } catch (thrown) {
      this.#reason = messageOf(thrown);
      this.#rotateAboveBytes = sizeBytes + maxBytes;
      return fd;
    }
    this.close();
    return this.#open();
  }
}

const isSameFile = (fd: number, path: string): boolean => {
  const [open, named] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
  return named?.ino === open.ino && named.dev === open.dev;
};

const renameIfThere = (from: string, to: string): void => {
  if (statSync(from, { throwIfNoEntry: false }) !== undefined) {
    renameSync(from, to);
  }
};
