import { crc32 } from 'node:zlib';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { CheckpointTarget, StateHandle, StateReader } from './state-handle.ts';

/** Checkpoint files in memory, for tests and benchmarks. */
export class MemoryStateStorage implements CheckpointTarget, StateReader {
  readonly files = new Map<string, readonly Uint8Array[]>();
  readonly #inlineBelowBytes: number;
  #nextFile = 1;

  /** State that is smaller is handed out inline. */
  constructor(inlineBelowBytes = 0) {
    this.#inlineBelowBytes = inlineBelowBytes;
  }

  writeState(scope: 'shared' | 'exclusive', content: readonly Uint8Array[], known?: number): Promise<StateHandle> {
    const sizeBytes = content.reduce((sum, part) => sum + part.length, 0);
    if (sizeBytes < this.#inlineBelowBytes) {
      return Promise.resolve({ kind: 'inline', bytes: Buffer.concat(content) });
    }
    const path = `${scope}/${this.#nextFile++}`;
    this.files.set(path, content);
    const checksum = known ?? content.reduce((crc, part) => crc32(part, crc), 0);
    return Promise.resolve({ kind: 'file', path, sizeBytes, checksum });
  }

  read(handle: StateHandle): Promise<Uint8Array> {
    if (handle.kind === 'inline') {
      return Promise.resolve(handle.bytes);
    }
    const content = this.files.get(handle.path);
    return content === undefined
      ? Promise.reject(new MillraceError('CHECKPOINT_BROKEN', `no file ${handle.path}`))
      : Promise.resolve(Buffer.concat(content));
  }
}
