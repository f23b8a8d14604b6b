import type { Clock } from '../../../foundation/common/clock.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { AbortScope, Prepared, SinkWriter, SinkWriterContext } from '../sink.ts';
import { parseTransactionName } from '../transaction-name.ts';
import { OrderedIo } from './ordered-io.ts';
import { commitPart, type FinishedPart, type PartFolder } from './part-commit.ts';
import { PartFile } from './part-file.ts';
import { finalName, hiddenName, nameInHidden, type PartNaming, sequenceOf } from './part-names.ts';

export interface FileSinkWriterOptions<T> {
  readonly folder: PartFolder;
  readonly naming: PartNaming;
  /** The text of one record with its line end. */
  readonly format: (record: T) => string;
  /** Starts each part. */
  readonly header: ((first: T) => string) | undefined;
  readonly maxSizeBytes: number;
  readonly maxAgeMs: number;
  readonly rollOnCheckpoint: boolean;
  /** Something takes committed parts away: one that is gone is no loss. */
  readonly takenAway: boolean;
}

/** What a transaction of the file sink consists of. */
export interface PreparedParts {
  readonly folder: string;
  readonly parts: readonly FinishedPart[];
  /** Files whose content is in `parts` too, deleted with the commit. */
  readonly obsolete: readonly string[];
}

/** State of one writer. */
interface WriterState {
  readonly folder: string;
  readonly subtask: number;
  /** Above every sequence number that this writer gave out. */
  readonly nextSequence: number;
  /** A part that goes on over the checkpoint, complete up to `sizeBytes`. */
  readonly open?: { readonly name: string; readonly sizeBytes: number };
}

/** Bytes on their way to the file system beyond which records wait. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;
const COPIED_BYTES = 1024 * 1024;

/** Writes parts as hidden files and gives them their names when a checkpoint is complete. */
export class FileSinkWriter<T> implements SinkWriter<T, PreparedParts> {
  /** A promise of `write` says that the backlog is full; whoever comes next has to wait. */
  readonly maxInFlight = 1;
  readonly #context: SinkWriterContext;
  readonly #options: FileSinkWriterOptions<T>;
  readonly #folder: PartFolder;
  readonly #clock: Clock;
  readonly #io: OrderedIo;
  #part: PartFile | undefined;
  #finished: FinishedPart[] = [];
  #obsolete: string[] = [];
  #open: WriterState['open'];
  #nextSequence = 0;
  #counter = 0;
  #backlogBytes = 0;
  #drained: (() => void) | undefined;
  #restored: readonly WriterState[] = [];
  #inputEnded = false;

  constructor(context: SinkWriterContext, options: FileSinkWriterOptions<T>) {
    this.#context = context;
    this.#options = options;
    this.#folder = options.folder;
    this.#clock = context.clock;
    this.#io = new OrderedIo((error) => {
      this.#drained?.();
      context.fail(error);
    });
  }

  restoreState(states: readonly unknown[]): void {
    this.#restored = states as readonly WriterState[];
  }

  async open(): Promise<void> {
    for (const { nextSequence } of this.#restored) {
      this.#nextSequence = Math.max(this.#nextSequence, nextSequence);
    }
    // Never onto a file that is there: another run may have written to the folder.
    for (const { name } of await this.#folder.fs.list(this.#folder.path)) {
      const sequence = sequenceOf(this.#options.naming, this.#context.subtask, name) ?? -1;
      this.#nextSequence = Math.max(this.#nextSequence, sequence + 1);
    }
    for (const state of this.#restored) {
      if (state.open !== undefined && state.subtask % this.#context.parallelism === this.#context.subtask) {
        await this.#takeOver(state.folder, state.open);
      }
    }
  }

  readonly write = (record: T): void | Promise<void> => {
    this.#io.throwFailure();
    const { format, header, maxSizeBytes } = this.#options;
    const text = format(record);
    let part = this.#part;
    if (part === undefined) {
      part = this.#begin();
      if (header !== undefined) {
        part.append(header(record));
      }
    }
    const flushedBytes = part.append(text);
    this.#backlogBytes += flushedBytes;
    if (part.size >= maxSizeBytes || (flushedBytes > 0 && this.#isOld(part))) {
      this.#roll(part);
    }
    if (this.#backlogBytes > MAX_BACKLOG_BYTES) {
      return new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
  };

  endInput(): void {
    this.#inputEnded = true;
  }

  async prepare(): Promise<PreparedParts | undefined> {
    const part = this.#part;
    if (part !== undefined) {
      if (this.#options.rollOnCheckpoint || this.#inputEnded || this.#isOld(part)) {
        this.#roll(part);
      } else {
        this.#backlogBytes += part.flush();
        this.#open = { name: part.name, sizeBytes: part.sync() };
      }
    }
    await this.#io.settled();
    if (this.#finished.length === 0) {
      return undefined;
    }
    const prepared = { folder: this.#folder.path, parts: this.#finished, obsolete: this.#obsolete };
    this.#finished = [];
    this.#obsolete = [];
    return prepared;
  }

  async commit({ value }: Prepared<PreparedParts>): Promise<void> {
    const folder = await this.#folderOf(value);
    for (const part of value.parts) {
      await commitPart(folder, part, this.#options.takenAway);
    }
    for (const name of value.obsolete) {
      await folder.fs.delete(`${folder.path}/${name}`);
    }
  }

  async abort(scope: AbortScope<PreparedParts>): Promise<void> {
    const { fs, path } = this.#folder;
    const kept = new Set(scope.kept.flatMap(({ value }) => value.parts.map((part) => part.pending)));
    for (const { open } of this.#restored) {
      if (open !== undefined) {
        kept.add(open.name);
      }
    }
    for (const { name } of await fs.list(path)) {
      const hidden = nameInHidden(name);
      if (hidden !== undefined && scope.covers(hidden) && !kept.has(name)) {
        await fs.delete(`${path}/${name}`);
      }
    }
  }

  snapshotState(): WriterState {
    return {
      folder: this.#folder.path,
      subtask: this.#context.subtask,
      nextSequence: this.#nextSequence,
      ...(this.#open === undefined ? {} : { open: this.#open }),
    };
  }

  /** Deletes what no checkpoint can list; what was prepared stays (R3). */
  async close(): Promise<void> {
    this.#drained?.();
    const { fs, path } = this.#folder;
    await this.#io.settled().catch(() => undefined);
    const unlisted = this.#finished.map(({ pending }) => pending);
    if (this.#part !== undefined) {
      await this.#part.abandon();
      if (this.#part.name !== this.#open?.name) {
        unlisted.push(this.#part.name);
      }
    }
    for (const name of unlisted) {
      await fs.delete(`${path}/${name}`).catch(() => undefined);
    }
  }

  #begin(): PartFile {
    const name = this.#hiddenName('inprogress');
    this.#part = new PartFile(this.#folder.fs, {
      name,
      path: `${this.#folder.path}/${name}`,
      openedMs: this.#clock.monotonic(),
      io: this.#io,
      onWritten: (bytes) => this.#written(bytes),
    });
    return this.#part;
  }

  #roll(part: PartFile): void {
    this.#backlogBytes += part.flush();
    this.#finish(part.name, part.finish());
    this.#part = undefined;
    this.#open = undefined;
  }

  /** Lists a part that is durable by the time the steps before are done. */
  #finish(inProgress: string, sizeBytes: number): void {
    const { fs, path } = this.#folder;
    const pending = inProgress.replace(/inprogress$/, 'pending');
    this.#io.run(() => fs.rename(`${path}/${inProgress}`, `${path}/${pending}`));
    const final = finalName(this.#options.naming, this.#context.subtask, this.#nextSequence++);
    this.#finished.push({ pending, final, sizeBytes });
  }

  /**
   * A part that an earlier attempt left open is copied up to where the checkpoint counted it, and closed. Copied and not
   * continued, because a process that was given up may still be writing to it; deleted when the copy is committed.
   */
  async #takeOver(fromFolder: string, open: NonNullable<WriterState['open']>): Promise<void> {
    const { fs } = this.#folder;
    const from = `${fromFolder}/${open.name}`;
    const name = this.#hiddenName('inprogress');
    const file = await fs.create(`${this.#folder.path}/${name}`);
    for (let offset = 0; offset < open.sizeBytes; offset += COPIED_BYTES) {
      const bytes = await fs.readRange(from, offset, Math.min(COPIED_BYTES, open.sizeBytes - offset));
      if (bytes.length === 0) {
        throw new MillraceError(
          'CORRUPT_DATA',
          `output is lost: a checkpoint counted ${open.sizeBytes} bytes of ${from}, but it has only ${offset}`,
        );
      }
      await file.write(bytes);
    }
    await file.close();
    this.#finish(name, open.sizeBytes);
    // The part of another job may still be in use there: a savepoint does not end its job.
    if (
      fromFolder === this.#folder.path &&
      parseTransactionName(nameInHidden(open.name) ?? '')?.jobId === this.#context.jobId
    ) {
      this.#obsolete.push(open.name);
    }
  }

  #hiddenName(stage: 'inprogress' | 'pending'): string {
    const { jobId, sinkId, subtask, generation } = this.#context;
    return hiddenName({ jobId, sinkId, subtask, generation, counter: ++this.#counter }, stage);
  }

  #written(bytes: number): void {
    this.#backlogBytes -= bytes;
    if (this.#drained !== undefined && this.#backlogBytes <= MAX_BACKLOG_BYTES / 2) {
      const drained = this.#drained;
      this.#drained = undefined;
      drained();
    }
  }

  #isOld(part: PartFile): boolean {
    return this.#clock.monotonic() - part.openedMs >= this.#options.maxAgeMs;
  }

  /** Where the parts of a transaction are: their own folder, or the sink's when the output was moved there. */
  async #folderOf(prepared: PreparedParts): Promise<PartFolder> {
    const own = { fs: this.#folder.fs, path: prepared.folder };
    const moved = prepared.folder !== this.#folder.path && (await own.fs.stat(own.path)) === undefined;
    return moved ? this.#folder : own;
  }
}
