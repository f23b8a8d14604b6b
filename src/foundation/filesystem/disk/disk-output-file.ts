import { assert } from '../../common/assert.ts';
import type { OutputFile } from '../file-system.ts';
import { diskError } from './disk-error.ts';
import type { DiskFile } from './disk.ts';

/** A file that grows. After a failed write or flush nobody knows what the disk holds, so that every later call fails. */
export class DiskOutputFile implements OutputFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #syncFolder: () => Promise<void>;
  #position: number;
  #entryIsDurable = false;
  #closed = false;
  #failure: unknown;
  /** Calls run one after the other, whether the caller waits for them or not. */
  #last: Promise<void> = Promise.resolve();

  constructor(path: string, file: DiskFile, position: number, syncFolder: () => Promise<void>) {
    this.path = path;
    this.#file = file;
    this.#position = position;
    this.#syncFolder = syncFolder;
  }

  get position(): number {
    return this.#position;
  }

  write(bytes: Uint8Array): Promise<void> {
    assert(!this.#closed, `${this.path} is closed`);
    const offset = this.#position;
    this.#position += bytes.length;
    return this.#inOrder(() => this.#file.write(bytes, offset));
  }

  sync(): Promise<void> {
    assert(!this.#closed, `${this.path} is closed`);
    return this.#inOrder(() => this.#sync());
  }

  async close(): Promise<void> {
    assert(!this.#closed, `${this.path} is closed`);
    this.#closed = true;
    try {
      await this.#inOrder(() => this.#sync());
    } catch (error) {
      await this.#file.close().catch(() => undefined);
      throw error;
    }
    try {
      await this.#file.close();
    } catch (error) {
      throw diskError(error, 'write to', this.path);
    }
  }

  async abandon(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      await this.#last;
      await this.#file.close().catch(() => undefined);
    }
  }

  async #sync(): Promise<void> {
    await this.#file.sync();
    if (!this.#entryIsDurable) {
      await this.#syncFolder();
      this.#entryIsDurable = true;
    }
  }

  #inOrder(step: () => Promise<void>): Promise<void> {
    const result = this.#last.then(async () => {
      if (this.#failure !== undefined) {
        throw this.#failure;
      }
      try {
        await step();
      } catch (error) {
        this.#failure = diskError(error, 'write to', this.path);
        throw this.#failure;
      }
    });
    this.#last = result.catch(() => undefined);
    return result;
  }
}
