import { crc32 } from 'node:zlib';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { CheckpointTarget, StateHandle, StateReader } from './state-handle.ts';

/** Checkpoint files in memory, for tests and benchmarks. */
export class MemoryStateStorage implements CheckpointTarget, StateReader {
  readonly files = new Map<string, Uint8Array>();
  readonly #inlineBelowBytes: number;
  #nextFile = 1;

  /** State that is smaller is handed out inline. */
  constructor(inlineBelowBytes = 0) {
    this.#inlineBelowBytes = inlineBelowBytes;
  }

  writeState(scope: 'shared' | 'exclusive', content: readonly Uint8Array[]): Promise<StateHandle> {
    const bytes = new Uint8Array(Buffer.concat(content));
    if (bytes.length < this.#inlineBelowBytes) {
      return Promise.resolve({ kind: 'inline', bytes });
    }
    const path = `${scope}/${this.#nextFile++}`;
    this.files.set(path, bytes);
    return Promise.resolve({ kind: 'file', path, sizeBytes: bytes.length, checksum: crc32(bytes) });
  }

  read(handle: StateHandle): Promise<Uint8Array> {
    if (handle.kind === 'inline') {
      return Promise.resolve(handle.bytes);
    }
    const bytes = this.files.get(handle.path);
    return bytes === undefined
      ? Promise.reject(new MillraceError('CHECKPOINT_BROKEN', `no file ${handle.path}`))
      : Promise.resolve(bytes);
  }
}
