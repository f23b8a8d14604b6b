import { crc32 } from 'node:zlib';
import { messageOf } from '../../../foundation/common/errors.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import { idOfDataFile } from '../../checkpoint/checkpoint-layout.ts';
import type { StateCopies, StoredFile } from '../../checkpoint/state-copies.ts';
import { fileHandlesOf } from '../../checkpoint/referenced-files.ts';
import type { FileStateHandle, OperatorSubtaskState, SubtaskState } from '../../state/state-handle.ts';
import { CopyLedger } from './copy-ledger.ts';
import type { LocalStateDisk } from './local-state-disk.ts';

/**
 * The copies of state files that one subtask has on the disk of its machine, through all its attempts here. A copy has the
 * name of the file, whose random part is used once (R16): the handle in a checkpoint's metadata names exactly that content,
 * and the copy of another checkpoint is never taken for it.
 */
export class SubtaskCopies implements StateCopies {
  readonly #disk: LocalStateDisk;
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #ledger = new CopyLedger();
  /** Copies that are being made, and removals: they follow each other. */
  readonly #busy = new Map<string, Promise<unknown>>();

  constructor(disk: LocalStateDisk, job: string, subtask: string, logger: Logger) {
    this.#disk = disk;
    this.#folder = disk.folderOf(job, subtask);
    this.#logger = logger;
  }

  async keep(handle: FileStateHandle, content: readonly Uint8Array[], stored: StoredFile): Promise<void> {
    const name = nameOf(handle);
    this.#ledger.kept(name, idOfDataFile(name) ?? 0);
    const keeping = this.#keep(name, content, stored);
    this.#busy.set(name, keeping);
    const kept = await keeping;
    if (this.#busy.get(name) === keeping) {
      this.#busy.delete(name);
    }
    if (!kept) {
      this.#ledger.dropped([name]);
    }
  }

  async discard(handles: readonly FileStateHandle[]): Promise<void> {
    const names = handles.map(nameOf);
    this.#ledger.dropped(names);
    await this.#remove(names);
  }

  /** The content, if there is a copy of exactly this file. One that is damaged is removed. */
  async read(handle: FileStateHandle): Promise<Uint8Array | undefined> {
    const name = nameOf(handle);
    const path = `${this.#folder}/${name}`;
    let problem: string;
    try {
      const bytes = await this.#disk.read(path);
      if (bytes === undefined) {
        return undefined;
      }
      if (bytes.length === handle.sizeBytes && crc32(bytes) === handle.checksum) {
        this.#ledger.kept(name, idOfDataFile(name) ?? 0);
        return bytes;
      }
      problem = `the local copy ${path} is damaged`;
    } catch (thrown) {
      problem = messageOf(thrown);
    }
    this.#logger.warn(`${problem}; the state is read from the storage of the checkpoint`);
    await this.#remove([name]);
    return undefined;
  }

  /** The subtask begins with these files: other copies are of attempts that are over, and go. */
  async restored(handles: readonly FileStateHandle[]): Promise<void> {
    const needed = new Set(handles.map(nameOf));
    this.#ledger.restored(needed);
    const there = await this.#disk.names(this.#folder);
    await this.#remove(there.filter((name) => !needed.has(name)));
  }

  acknowledged(checkpointId: number, state: SubtaskState): void {
    this.#ledger.acknowledged(checkpointId, fileHandlesOf(statesOf(state)).map(nameOf));
  }

  completed(checkpointId: number): void {
    void this.#remove(this.#ledger.completed(checkpointId));
  }

  givenUp(isGivenUp: (checkpointId: number) => boolean): void {
    void this.#remove(this.#ledger.givenUp(isGivenUp));
  }

  async #keep(name: string, content: readonly Uint8Array[], { scheme, path, written }: StoredFile): Promise<boolean> {
    if (this.#disk.canLink(scheme)) {
      try {
        await written;
      } catch {
        return false;
      }
      if (await this.#disk.link(path, this.#folder, name)) {
        return true;
      }
      if (this.#disk.canLink(scheme)) {
        return false;
      }
    }
    return this.#disk.write(content, this.#folder, name);
  }

  async #remove(names: readonly string[]): Promise<void> {
    await Promise.all(names.flatMap((name) => this.#busy.get(name) ?? []));
    await this.#disk.remove(this.#folder, names);
  }
}

/** The name of a subtask's folder below that of its job. */
export const subtaskFolder = (vertex: string, subtask: number): string => `${vertex}-${subtask}`;

const nameOf = ({ path }: FileStateHandle): string => path.slice(path.lastIndexOf('/') + 1);

const statesOf = (state: SubtaskState): readonly OperatorSubtaskState[] => Object.values(state);
