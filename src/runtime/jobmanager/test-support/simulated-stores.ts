import type { CheckpointIdCounter } from '../../../coordination/checkpoint-id-counter.ts';
import type {
  CheckpointPointer,
  CompletedCheckpointStore,
  PointerWrite,
} from '../../../coordination/completed-checkpoint-store.ts';
import {
  EMPTY_JOB_RECORD,
  type AcceptedIntent,
  type GenerationRecord,
  type JobIntent,
  type JobRecord,
  type RestartCounts,
  type JobRecordStore,
} from '../../../coordination/job-record-store.ts';
import { withGeneration } from '../../../coordination/records/with-generation.ts';
import { requireReplaceable } from '../../../coordination/require-replaceable.ts';
import { assert, present } from '../../../foundation/common/assert.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { checkpointId, type CheckpointId } from '../../../foundation/common/ids.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { CheckpointMetadata } from '../../checkpoint/metadata.ts';
import { filesOf } from '../../checkpoint/referenced-files.ts';
import type { OperatorSubtaskState, StateHandle, SubtaskState } from '../../state/state-handle.ts';
import type { CheckpointStorage, CopyTarget } from '../checkpoint-coordinator/checkpoint-storage.ts';
import type { JobResult } from '../jobmaster/job-master-options.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';

/** Finishes asynchronous work in an order that the seed picks. */
export interface Deferrals {
  later<T>(run: () => T): Promise<T>;
  /** True with that probability while faults are on. */
  fault(probability: number): boolean;
}

/** Files by full path; what they hold is the state of a simulated task. */
export class SimulatedFiles {
  readonly #files = new Map<string, string>();
  readonly metadata = new Map<string, CheckpointMetadata>();
  /** Paths of metadata, or names of files, that cannot be read. */
  readonly broken = new Set<string>();
  /** No folder is used twice (R16). */
  savepoints = 0;
  #next = 0;

  write(folder: string, place: string, content: string): StateHandle {
    const path = `${place}${place === '' ? '' : '/'}f${this.#next++}`;
    this.#files.set(`${folder}/${path}`, content);
    return { kind: 'file', path, sizeBytes: content.length, checksum: 0 };
  }

  read(folder: string, handle: StateHandle): string {
    assert(handle.kind === 'file', 'file');
    if (this.broken.has(handle.path)) {
      throw new MillraceError('CHECKPOINT_BROKEN', `the state file ${handle.path} is broken`);
    }
    return present(this.#files.get(`${folder}/${handle.path}`), `file ${folder}/${handle.path}`);
  }

  delete(folder: string, path: string): void {
    this.#files.delete(`${folder}/${path}`);
  }

  has(folder: string, path: string): boolean {
    return this.#files.has(`${folder}/${path}`);
  }

  below(folder: string): readonly string[] {
    return [...this.#files.keys(), ...this.metadata.keys()].filter((path) => path.startsWith(`${folder}/`));
  }
}

export class SimulatedStorage implements CheckpointStorage {
  readonly files: SimulatedFiles;
  readonly #deferrals: Deferrals;
  readonly #jobFolder: string;

  constructor(files: SimulatedFiles, deferrals: Deferrals, jobFolder: string) {
    this.files = files;
    this.#deferrals = deferrals;
    this.#jobFolder = jobFolder;
  }

  newSavepointFolder(directory: string): Promise<string> {
    return this.#deferrals.later(() => `${directory}/savepoint-${this.files.savepoints++}`);
  }

  writeMetadata(folder: string, metadata: CheckpointMetadata): Promise<{ readonly metadataPath: string }> {
    return this.#deferrals.later(() => {
      if (this.#deferrals.fault(0.05)) {
        throw new MillraceError('FILESYSTEM', 'disk full');
      }
      for (const path of filesOf(metadata).keys()) {
        assert(
          this.files.has(folder, path),
          `checkpoint ${metadata.checkpointId} names ${folder}/${path}, which is not there`,
        );
      }
      const place = metadata.kind === 'savepoint' ? folder : `${folder}/chk-${metadata.checkpointId}`;
      this.files.metadata.set(`${place}/_metadata`, metadata);
      return { metadataPath: `${place}/_metadata` };
    });
  }

  readMetadata({ metadataPath }: CheckpointPointer): Promise<CheckpointMetadata> {
    return this.#deferrals.later(() => {
      const metadata = this.files.metadata.get(metadataPath);
      if (metadata === undefined || this.files.broken.has(metadataPath)) {
        throw new MillraceError('CHECKPOINT_BROKEN', `${metadataPath} is broken`);
      }
      return metadata;
    });
  }

  copyState(fromFolder: string, to: CopyTarget, state: OperatorSubtaskState): Promise<OperatorSubtaskState> {
    return this.#deferrals.later(() => {
      const handle = present(state.operatorState, 'operator state');
      const place = to.kind === 'savepoint' ? '' : 'shared';
      return { keyed: [], operatorState: this.files.write(to.folder, place, this.files.read(fromFolder, handle)) };
    });
  }

  deleteCheckpoint(checkpoint: CompletedCheckpoint, retained: readonly CompletedCheckpoint[]): Promise<void> {
    return this.#deferrals.later(() => {
      this.files.metadata.delete(checkpoint.metadataPath);
      const kept = new Set(retained.flatMap(({ metadata }) => [...filesOf(metadata).keys()]));
      for (const path of filesOf(checkpoint.metadata).keys()) {
        if (!kept.has(path)) {
          this.files.delete(checkpoint.baseFolder, path);
        }
      }
    });
  }

  deleteBroken(id: CheckpointId): Promise<void> {
    return this.#deferrals.later(() => {
      this.files.metadata.delete(`${this.#jobFolder}/chk-${id}/_metadata`);
    });
  }

  discard(
    aborted: { readonly checkpointId: CheckpointId; readonly folder: string; readonly savepoint: boolean },
    states: readonly SubtaskState[],
  ): Promise<void> {
    return this.#deferrals.later(() => {
      const place = aborted.savepoint ? aborted.folder : `${aborted.folder}/chk-${aborted.checkpointId}`;
      this.files.metadata.delete(`${place}/_metadata`);
      for (const state of states.flatMap((one) => Object.values(one))) {
        if (state.operatorState?.kind === 'file') {
          this.files.delete(aborted.folder, state.operatorState.path);
        }
      }
    });
  }

  /** Files have no checkpoint's number in their names here: what is left goes with the job. */
  collectLeftOvers(): Promise<void> {
    return this.#deferrals.later(() => {});
  }

  deleteAll(): Promise<void> {
    return this.#deferrals.later(() => {
      for (const path of this.files.below(this.#jobFolder)) {
        this.files.metadata.delete(path);
        this.files.delete(this.#jobFolder, path.slice(this.#jobFolder.length + 1));
      }
    });
  }
}

/** A store whose answers get lost: written or not, at once or later. */
export class SimulatedCheckpointStore implements CompletedCheckpointStore {
  readonly pointers: Map<number, CheckpointPointer>;
  /** Every id that ever was in the store. */
  readonly ever: Set<number>;
  undecided = 0;
  readonly #deferrals: Deferrals;
  readonly #random: Random;
  readonly #files: SimulatedFiles;

  /** `before`: the same store as a leader before saw it. */
  constructor(deferrals: Deferrals, random: Random, files: SimulatedFiles, before?: SimulatedCheckpointStore) {
    this.pointers = before?.pointers ?? new Map<number, CheckpointPointer>();
    this.ever = before?.ever ?? new Set<number>();
    this.#deferrals = deferrals;
    this.#random = random;
    this.#files = files;
  }

  all(): Promise<readonly CheckpointPointer[]> {
    return this.#deferrals.later(() => [...this.pointers.values()]);
  }

  add(pointer: CheckpointPointer): Promise<PointerWrite> {
    assert(
      this.#files.metadata.has(pointer.metadataPath),
      `I3: pointer of ${pointer.checkpointId} before its metadata`,
    );
    assert(Math.max(0, ...this.ever) < pointer.checkpointId, 'I5: pointers go forward');
    assert(this.undecided === 0, 'R2: a later pointer is written while one is undecided');
    this.undecided = pointer.checkpointId;
    return this.#deferrals.later(() => {
      if (this.#deferrals.fault(0.3)) {
        const applied = this.#random.int(3);
        if (applied === 0) {
          this.undecided = 0;
          return { outcome: 'not-written', error: { name: 'Error', message: 'refused' } };
        }
        if (applied === 1) {
          this.#write(pointer);
        }
        return { outcome: 'undecided', error: { name: 'Error', message: 'connection lost' } };
      }
      this.#write(pointer);
      this.undecided = 0;
      return { outcome: 'written' };
    });
  }

  settle(pointer: CheckpointPointer): Promise<PointerWrite> {
    return this.#deferrals.later(() => {
      if (this.#deferrals.fault(0.3)) {
        if (this.#random.int(2) === 0) {
          this.#write(pointer);
        }
        return { outcome: 'undecided', error: { name: 'Error', message: 'connection lost' } };
      }
      this.undecided = 0;
      if (!this.pointers.has(pointer.checkpointId)) {
        this.#write(pointer);
      }
      return { outcome: 'written' };
    });
  }

  remove(id: CheckpointId): Promise<void> {
    return this.#deferrals.later(() => {
      this.pointers.delete(id);
    });
  }

  #write(pointer: CheckpointPointer): void {
    this.pointers.set(pointer.checkpointId, pointer);
    this.ever.add(pointer.checkpointId);
  }
}

export class SimulatedCounter implements CheckpointIdCounter {
  last: number;
  readonly #deferrals: Deferrals;

  constructor(deferrals: Deferrals, before?: SimulatedCounter) {
    this.last = before?.last ?? 0;
    this.#deferrals = deferrals;
  }

  current(): Promise<number> {
    return this.#deferrals.later(() => this.last);
  }

  next(): Promise<CheckpointId> {
    return this.#deferrals.later(() => {
      this.last++;
      if (this.#deferrals.fault(0.05)) {
        throw new MillraceError('TIMEOUT', 'the store is away');
      }
      return checkpointId(this.last);
    });
  }

  raise(atLeast: number): Promise<void> {
    return this.#deferrals.later(() => {
      this.last = Math.max(this.last, atLeast);
    });
  }
}

export class SimulatedRecords implements Pick<
  JobRecordStore,
  'read' | 'recordGeneration' | 'recordIntent' | 'settleIntent'
> {
  recorded: readonly GenerationRecord[];
  intent: JobIntent;
  restartCounts: RestartCounts;
  /** How the job ended, durably (R9). */
  result: JobResult | undefined;
  readonly #deferrals: Deferrals;

  constructor(deferrals: Deferrals, before?: SimulatedRecords) {
    this.recorded = before?.recorded ?? [];
    this.intent = before?.intent ?? { kind: 'run' };
    this.restartCounts = before?.restartCounts ?? {};
    this.result = before?.result;
    this.#deferrals = deferrals;
  }

  read(): Promise<JobRecord> {
    return this.#deferrals.later(() => ({
      ...EMPTY_JOB_RECORD,
      intent: this.intent,
      generations: [...this.recorded],
      restartCounts: this.restartCounts,
    }));
  }

  writeResult(result: JobResult): Promise<void> {
    return this.#deferrals.later(() => {
      if (this.#deferrals.fault(0.2)) {
        throw new MillraceError('TIMEOUT', 'the store is away');
      }
      this.result = result;
    });
  }

  recordIntent(intent: AcceptedIntent): Promise<void> {
    return this.#deferrals.later(() => {
      if (this.#deferrals.fault(0.05)) {
        throw new MillraceError('TIMEOUT', 'the store is away');
      }
      requireReplaceable(this.intent, intent);
      this.intent = intent;
    });
  }

  settleIntent(requestId: string): Promise<void> {
    return this.#deferrals.later(() => {
      if (this.intent.kind !== 'run' && this.intent.requestId === requestId) {
        this.intent = { kind: 'run' };
      }
    });
  }

  recordGeneration(record: GenerationRecord, counts: RestartCounts): Promise<void> {
    return this.#deferrals.later(() => {
      if (this.#deferrals.fault(0.05)) {
        throw new MillraceError('TIMEOUT', 'the store is away');
      }
      this.recorded = withGeneration(this.recorded, record);
      this.restartCounts = counts;
    });
  }
}
