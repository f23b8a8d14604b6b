import { crc32 } from 'node:zlib';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import type { CheckpointTarget, FileStateHandle, StateHandle } from '../state/state-handle.ts';
import { checkpointFolderName, dataFileName, SHARED_NAME } from './checkpoint-layout.ts';
import type { StateCopies } from './state-copies.ts';

export interface CheckpointTargetOptions {
  /** The job's checkpoint folder, or the savepoint's. */
  readonly folder: string;
  readonly checkpointId: number;
  readonly kind: 'checkpoint' | 'savepoint';
  /** Smaller pieces travel in the metadata. */
  readonly inlineThresholdBytes: number;
  /** Begins the names of the files, to show whose they are; letters, digits and `_`, others are replaced. */
  readonly tag: string;
  readonly random: Random;
  /** Of a checkpoint's files; a savepoint has none. */
  readonly copies?: StateCopies | undefined;
}

export interface DiscardableTarget extends CheckpointTarget {
  /** In files, not in the metadata. */
  readonly writtenBytes: number;
  /** The checkpoint was aborted: deletes what was written, what is being written too, and refuses to write more. */
  discard(): Promise<void>;
}

export const createCheckpointTarget = (fs: FileSystem, options: CheckpointTargetOptions): DiscardableTarget => {
  const { folder, checkpointId, kind, inlineThresholdBytes, tag, random } = options;
  const copies = kind === 'checkpoint' ? options.copies : undefined;
  const written: FileStateHandle[] = [];
  const writing = new Set<Promise<unknown>>();
  let writtenBytes = 0;
  let discarded = false;

  const writeFile = async (
    scope: 'shared' | 'exclusive',
    content: readonly Uint8Array[],
    checksum = checksumOf(content),
  ): Promise<FileStateHandle> => {
    const path = `${placeOf(kind, scope, checkpointId)}${dataFileName(tag, checkpointId, random)}`;
    const handle: FileStateHandle = { kind: 'file', path, sizeBytes: sizeOf(content), checksum };
    written.push(handle);
    const place = `${folder}/${path}`;
    const storing = fs.write(place, content);
    const copying = copies?.keep(handle, content, { scheme: fs.scheme, path: place, written: storing });
    const running = Promise.allSettled([storing, copying]);
    writing.add(running);
    await running;
    writing.delete(running);
    await storing;
    writtenBytes += handle.sizeBytes;
    return handle;
  };
  const refuseDiscarded = (): void => {
    if (discarded) {
      throw new MillraceError('CHECKPOINT_FAILED', `checkpoint ${checkpointId} was aborted`);
    }
  };

  return {
    get writtenBytes() {
      return writtenBytes;
    },
    async writeState(scope, content, checksum): Promise<StateHandle> {
      refuseDiscarded();
      if (sizeOf(content) < inlineThresholdBytes) {
        return { kind: 'inline', bytes: joined(content) };
      }
      const handle = await writeFile(scope, content, checksum);
      refuseDiscarded();
      return handle;
    },
    async discard() {
      discarded = true;
      await Promise.allSettled(writing);
      const handles = written.splice(0);
      await Promise.all([...handles.map(({ path }) => fs.delete(`${folder}/${path}`)), copies?.discard(handles)]);
    },
  };
};

const placeOf = (kind: 'checkpoint' | 'savepoint', scope: 'shared' | 'exclusive', checkpointId: number): string => {
  if (kind === 'savepoint') {
    return '';
  }
  return scope === 'shared' ? `${SHARED_NAME}/` : `${checkpointFolderName(checkpointId)}/`;
};

const sizeOf = (content: readonly Uint8Array[]): number => content.reduce((sum, part) => sum + part.length, 0);

const checksumOf = (content: readonly Uint8Array[]): number => content.reduce((crc, part) => crc32(part, crc), 0);

const joined = (content: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(sizeOf(content));
  let at = 0;
  for (const part of content) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};
