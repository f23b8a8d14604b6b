import type { Clock } from '../../../foundation/common/clock.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { FileEntry } from '../../../foundation/filesystem/file-system.ts';
import type { AbortScope, Prepared, SinkWriter, SinkWriterContext } from '../sink.ts';
import { LeftOverSweep } from './left-over-sweep.ts';
import { OrderedIo } from './ordered-io.ts';
import { commitPart, type FinishedPart, type PartFolder } from './part-commit.ts';
import { PartFile } from './part-file.ts';
import {
  finalName,
  hiddenName,
  inProgress,
  jobOfHidden,
  parseHidden,
  type PartNaming,
  pending,
  sequenceOf,
} from './part-names.ts';

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
  /** Hidden parts whose content is in `parts` too, deleted with the commit. */
  readonly obsolete: readonly string[];
}

/** State of one writer. */
interface WriterState {
  readonly folder: string;
  readonly subtask: number;
  /** Above every sequence number that this writer gave out. */
  readonly nextSequence: number;
  /** A part that goes on over the checkpoint, complete up to `sizeBytes`. */
  readonly open?: OpenPart;
}

interface OpenPart {
  readonly hidden: string;
  readonly final: string;
  readonly sizeBytes: number;
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
  #finished: (FinishedPart & { readonly isListed: boolean })[] = [];
  #obsolete: string[] = [];
  #open: OpenPart | undefined;
  #nextSequence = 0;
  #counter = 0;
  #backlogBytes = 0;
  #drained: (() => void) | undefined;
  #restored: readonly WriterState[] = [];
  /** What was in the folder at the start; a folder may have many files, so that it is listed once. */
  #listing: readonly FileEntry[] | undefined;
  #inputEnded = false;
  /** From `abort` on. */
  #sweep: LeftOverSweep | undefined;

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
    this.#listing = await this.#folder.fs.list(this.#folder.path);
    for (const { name } of this.#listing) {
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
        this.#open = { hidden: part.hidden, final: part.final, sizeBytes: part.sync() };
        part.isListed = true;
      }
    }
    await this.#io.settled();
    if (this.#finished.length === 0) {
      return undefined;
    }
    const parts = this.#finished.map(({ hidden, final, sizeBytes }) => ({ hidden, final, sizeBytes }));
    const prepared = { folder: this.#folder.path, parts, obsolete: this.#obsolete };
    this.#finished = [];
    this.#obsolete = [];
    return prepared;
  }

  async commit({ value }: Prepared<PreparedParts>): Promise<void> {
    const folder = await this.#folderOf(value);
    for (const part of value.parts) {
      await commitPart(folder, part, this.#options.takenAway);
    }
    for (const hidden of value.obsolete) {
      await this.#delete(folder, hidden);
    }
    await this.#sweep?.sweepAgain(this.#inputEnded);
  }

  async abort(scope: AbortScope<PreparedParts>): Promise<void> {
    const kept = new Set(scope.kept.flatMap(({ value }) => value.parts.map((part) => part.hidden)));
    for (const { open } of this.#restored) {
      if (open !== undefined) {
        kept.add(open.hidden);
      }
    }
    this.#sweep = new LeftOverSweep({
      folder: this.#folder,
      clock: this.#clock,
      logger: this.#context.logger,
      isLeftOver: (name) => {
        const parsed = parseHidden(name);
        return parsed !== undefined && scope.isEarlier(parsed.name) && !kept.has(parsed.hidden);
      },
    });
    const listing = this.#listing ?? (await this.#folder.fs.list(this.#folder.path));
    this.#listing = undefined;
    await this.#sweep.sweep(listing);
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
    await this.#io.settled().catch(() => undefined);
    await this.#part?.abandon();
    const own = [...this.#finished, ...(this.#part === undefined ? [] : [this.#part])];
    for (const { hidden, isListed } of own) {
      if (!isListed) {
        await this.#delete(this.#folder, hidden).catch(() => undefined);
      }
    }
  }

  #begin(): PartFile {
    const hidden = this.#hiddenName();
    this.#part = new PartFile(this.#folder.fs, {
      hidden,
      final: this.#finalName(),
      path: `${this.#folder.path}/${inProgress(hidden)}`,
      openedMs: this.#clock.monotonic(),
      io: this.#io,
      onWritten: (bytes) => this.#written(bytes),
    });
    return this.#part;
  }

  #roll(part: PartFile): void {
    const { hidden, final, isListed } = part;
    this.#backlogBytes += part.flush();
    this.#finish({ hidden, final, isListed, sizeBytes: part.finish() });
    this.#part = undefined;
    this.#open = undefined;
  }

  /** Lists a part that is durable by the time the steps before are done. */
  #finish(part: FinishedPart & { readonly isListed: boolean }): void {
    const { fs, path } = this.#folder;
    this.#io.run(() => fs.rename(`${path}/${inProgress(part.hidden)}`, `${path}/${pending(part.hidden)}`));
    this.#finished.push(part);
  }

  /**
   * A part that an earlier attempt left open is copied up to where the checkpoint counted it, and closed. Copied and not
   * continued, because a process that was given up may still be writing to it; deleted when the copy is committed.
   */
  async #takeOver(folder: string, open: OpenPart): Promise<void> {
    const { fs } = this.#folder;
    const from = await this.#find(folder, open);
    const hidden = this.#hiddenName();
    const file = await fs.create(`${this.#folder.path}/${inProgress(hidden)}`);
    for (let offset = 0; offset < open.sizeBytes; offset += COPIED_BYTES) {
      const bytes = await fs.readRange(from, offset, Math.min(COPIED_BYTES, open.sizeBytes - offset));
      if (bytes.length === 0) {
        throw lostOutput(open, `${from} has only ${offset}`);
      }
      await file.write(bytes);
    }
    await file.close();
    this.#finish({ hidden, final: this.#finalName(), sizeBytes: open.sizeBytes, isListed: false });
    // The part of another job may still be in use there: a savepoint does not end its job.
    const { jobId, claimedJobId } = this.#context;
    const owner = jobOfHidden(open.hidden);
    if (folder === this.#folder.path && (owner === jobId || owner === claimedJobId)) {
      this.#obsolete.push(open.hidden);
    }
  }

  /** An older checkpoint may know as open what was closed, or even committed, since. */
  async #find(folder: string, open: OpenPart): Promise<string> {
    // The output may have been moved, to another machine for instance.
    for (const place of new Set([folder, this.#folder.path])) {
      for (const name of [inProgress(open.hidden), pending(open.hidden), open.final]) {
        const path = `${place}/${name}`;
        if ((await this.#folder.fs.stat(path)) !== undefined) {
          return path;
        }
      }
    }
    throw lostOutput(open, `neither that file nor ${open.final} is in ${folder}`);
  }

  async #delete(folder: PartFolder, hidden: string): Promise<void> {
    await folder.fs.delete(`${folder.path}/${inProgress(hidden)}`);
    await folder.fs.delete(`${folder.path}/${pending(hidden)}`);
  }

  #hiddenName(): string {
    const { jobId, sinkId, subtask, generation } = this.#context;
    return hiddenName({ jobId, sinkId, subtask, generation, counter: ++this.#counter });
  }

  #finalName(): string {
    return finalName(this.#options.naming, this.#context.subtask, this.#nextSequence++);
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

const lostOutput = (open: OpenPart, what: string): MillraceError =>
  new MillraceError(
    'FILE_NOT_FOUND',
    `output is lost: the checkpoint counts ${open.sizeBytes} bytes of ${inProgress(open.hidden)}, but ${what}; if the ` +
      'folder was emptied, start the job without the checkpoint',
  );
