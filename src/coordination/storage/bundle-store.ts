import { createHash } from 'node:crypto';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import { brokenStorageFile } from './storage-error.ts';
import { bundleFileName } from './storage-layout.ts';

export interface StoredBundle {
  /** SHA-256 in hex. */
  readonly hash: string;
  readonly path: string;
}

/** The bundles of a job lie in the folder of that job under their hash; jobs share none. */
export class BundleStore {
  readonly #fs: FileSystem;

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  /** Of the bundle with this content, once it is written. */
  hashOf(content: Uint8Array): string {
    return hashOf(content);
  }

  /** Durable before it resolves (I3). The same content again is the same file. */
  async write(folder: string, content: Uint8Array): Promise<StoredBundle> {
    const hash = hashOf(content);
    const path = `${folder}/${bundleFileName(hash)}`;
    // Written again where it is there already: who wrote it may not have lived to flush it.
    await this.#fs.write(path, content);
    return { hash, path };
  }

  /** Errors: CORRUPT_DATA when the content is not that of the hash, FILE_NOT_FOUND, those of the file system. */
  async read(folder: string, hash: string): Promise<Uint8Array> {
    const path = `${folder}/${bundleFileName(hash)}`;
    const content = await this.#fs.read(path);
    if (hashOf(content) !== hash) {
      throw brokenStorageFile(path, 'its content does not have the hash of its name');
    }
    return content;
  }
}

const hashOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
