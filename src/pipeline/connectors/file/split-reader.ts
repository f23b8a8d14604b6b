import { MillraceError, messageOf } from '../../../foundation/common/errors.ts';
import { fileSystemOf, type Location } from '../../../foundation/filesystem/file-systems.ts';
import { type Downstream, NO_TIMESTAMP } from '../../operators/operator.ts';
import type { BadRecords } from './bad-records.ts';
import type { FileSplit } from './file-split.ts';
import { type Decoded, type LineFormat, markLength, recordEnd, recordText } from './line-format.ts';
import { ReadAhead } from './read-ahead.ts';

export interface SplitReaderOptions<T> {
  readonly split: FileSplit;
  readonly format: LineFormat<T>;
  readonly timestamps: ((record: T) => number) | undefined;
  readonly maxLineBytes: number;
  readonly chunkBytes: number;
  readonly badRecords: BadRecords;
  /** `emit` may have something. */
  onData(): void;
  onError(error: unknown): void;
}

const NO_BYTES: Buffer = Buffer.alloc(0);
const HEADER_BYTES = 64 * 1024;

/**
 * Reads the records that start in one range of bytes. The bytes come asynchronously, `emit` takes from what is there.
 */
export class SplitReader<T> {
  readonly #options: SplitReaderOptions<T>;
  readonly #split: FileSplit;
  #readAhead: ReadAhead | undefined;
  #decode: ((text: string) => Decoded<T> | undefined) | undefined;
  /** Bytes not yet taken apart; `#at` is where the next record starts, `#base` the place of the first byte in the file. */
  #bytes: Buffer = NO_BYTES;
  #at = 0;
  #base: number;
  /** No line end was found before this index. */
  #scanned = 0;
  #lines: number;
  /** What has to be left out before the first record. */
  #lead: 'mark' | 'line' | 'nothing';
  #started = false;
  #finished = false;
  #closed = false;

  constructor(options: SplitReaderOptions<T>) {
    this.#options = options;
    this.#split = options.split;
    const { start, position, lines = 0 } = options.split;
    this.#lines = lines;
    // Whether a record starts at `start` tells the byte before it.
    this.#base = position ?? Math.max(0, start - 1);
    this.#lead = position !== undefined ? 'nothing' : start === 0 ? 'mark' : 'line';
  }

  get isFinished(): boolean {
    return this.#finished;
  }

  /** Begins to read ahead; further calls do nothing. */
  start(): void {
    if (this.#started) {
      return;
    }
    this.#started = true;
    this.#begin().catch((error: unknown) => {
      if (!this.#closed) {
        this.#options.onError(error);
      }
    });
  }

  /** The split with the position after the last emitted record. */
  snapshot(): FileSplit {
    const { id, path, start, end } = this.#split;
    return this.#lead === 'nothing'
      ? { id, path, start, end, position: this.#base + this.#at, lines: this.#lines }
      : this.#split;
  }

  /** Emits up to `limit` records of those that are there and returns how many. */
  emit(output: Downstream<T>, limit: number): number {
    const { timestamps } = this.#options;
    let count = 0;
    if (this.#decode === undefined || !this.#skipLead()) {
      return 0;
    }
    while (count < limit) {
      if (this.#base + this.#at >= this.#split.end) {
        this.#finish();
        break;
      }
      const end = this.#endOfRecord();
      if (end === undefined) {
        break;
      }
      const decoded = this.#take(end, this.#decode);
      if (decoded !== undefined) {
        const { record } = decoded;
        output.process(record, timestamps === undefined ? NO_TIMESTAMP : timestamps(record));
        count++;
      }
    }
    return count;
  }

  close(): void {
    this.#closed = true;
    this.#readAhead?.close();
  }

  async #begin(): Promise<void> {
    const { format } = this.#options;
    const location = fileSystemOf(this.#split.path);
    let header: { readonly text: string; readonly end: number; readonly lines: number } | undefined;
    if (format.hasHeader) {
      header = await readHeader(location, format.quotedLineEnds, this.#options.maxLineBytes);
      if (this.#lead === 'mark') {
        this.#base = header.end;
        this.#lines = header.lines;
        this.#lead = 'nothing';
      }
    }
    if (this.#closed) {
      return;
    }
    this.#decode = this.#decoderFor(header?.text);
    this.#readAhead = new ReadAhead({
      ...location,
      from: this.#base,
      softEnd: this.#split.end,
      chunkBytes: this.#options.chunkBytes,
      onData: () => this.#options.onData(),
      onError: (error) => this.#options.onError(error),
    });
  }

  #decoderFor(header: string | undefined): (text: string) => Decoded<T> | undefined {
    try {
      return this.#options.format.decoder(header);
    } catch (error) {
      throw new MillraceError('BAD_RECORD', `${this.#split.path}, line 1: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Takes the record that ends at `end`. Of a bad one only the first line is left out: the others may be good. */
  #take(end: number, decode: (text: string) => Decoded<T> | undefined): Decoded<T> | undefined {
    const from = this.#at;
    const text = recordText(this.#bytes, from, end);
    try {
      const decoded = decode(text);
      this.#lines += this.#options.format.quotedLineEnds ? 1 + lineEndsIn(text) : 1;
      this.#at = Math.min(end + 1, this.#bytes.length);
      return decoded;
    } catch (error) {
      this.#leaveOutLine(error, end);
      return undefined;
    }
  }

  #leaveOutLine(error: unknown, end: number): void {
    this.#lines++;
    this.#options.badRecords.handle(this.#split, this.#lines, error);
    const lineEnd = recordEnd(this.#bytes, this.#at, this.#at, false);
    this.#at = lineEnd < 0 ? Math.min(end + 1, this.#bytes.length) : lineEnd + 1;
    this.#scanned = this.#at;
  }

  /** False while the bytes for it are not there. */
  #skipLead(): boolean {
    if (this.#lead === 'mark') {
      while (this.#bytes.length < 3 && !this.#isAtEnd()) {
        if (!this.#more()) {
          return false;
        }
      }
      this.#at = markLength(this.#bytes);
    } else if (this.#lead === 'line') {
      const end = this.#endOfRecord();
      if (end === undefined) {
        return false;
      }
      this.#at = Math.min(end + 1, this.#bytes.length);
    }
    this.#lead = 'nothing';
    return true;
  }

  /**
   * The index of the line end of the record that starts at `#at`, or of the end of the file where it has none.
   * `undefined`: it is not there yet, or nothing is left and the split is finished.
   */
  #endOfRecord(): number | undefined {
    for (;;) {
      const end = recordEnd(this.#bytes, this.#at, this.#scanned, this.#options.format.quotedLineEnds);
      if (end >= 0) {
        this.#scanned = 0;
        return end;
      }
      this.#scanned = this.#bytes.length;
      if (this.#bytes.length - this.#at > this.#options.maxLineBytes) {
        this.#tooLong();
      } else if (!this.#more()) {
        if (!this.#isAtEnd()) {
          return undefined;
        }
        if (this.#at === this.#bytes.length) {
          this.#finish();
          return undefined;
        }
        return this.#bytes.length;
      }
    }
  }

  #tooLong(): void {
    const { maxLineBytes, format } = this.#options;
    const hint = format.quotedLineEnds ? ' (is a quote never closed?)' : '';
    const error = new MillraceError('BAD_RECORD', `a record of more than ${maxLineBytes} bytes${hint}`);
    if (this.#bytes.indexOf('\n', this.#at) < 0) {
      throw new MillraceError('BAD_RECORD', `${this.#split.path}, line ${this.#lines + 1}: ${error.message}`);
    }
    this.#leaveOutLine(error, this.#bytes.length);
  }

  /** Appends the next chunk; false when there is none now. */
  #more(): boolean {
    const chunk = this.#readAhead?.take();
    if (chunk === undefined) {
      return false;
    }
    const rest = this.#bytes.subarray(this.#at);
    this.#base += this.#at;
    this.#scanned = Math.max(0, this.#scanned - this.#at);
    this.#bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    this.#at = 0;
    return true;
  }

  #isAtEnd(): boolean {
    return this.#readAhead?.isAtEnd === true;
  }

  #finish(): void {
    this.#finished = true;
    this.close();
  }
}

const lineEndsIn = (text: string): number => {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    count++;
  }
  return count;
};

/** The first record of a file, where it ends and how many lines it has. */
const readHeader = async (
  { fs, path }: Location,
  quotedLineEnds: boolean,
  maxBytes: number,
): Promise<{ readonly text: string; readonly end: number; readonly lines: number }> => {
  let bytes = NO_BYTES;
  for (;;) {
    const more = Buffer.from(await fs.readRange(path, bytes.length, HEADER_BYTES));
    bytes = Buffer.concat([bytes, more]);
    const from = markLength(bytes);
    const end = recordEnd(bytes, from, from, quotedLineEnds);
    if (end >= 0 || more.length < HEADER_BYTES) {
      const text = recordText(bytes, from, end < 0 ? bytes.length : end);
      return { text, end: end < 0 ? bytes.length : end + 1, lines: 1 + lineEndsIn(text) };
    }
    if (bytes.length > maxBytes) {
      throw new MillraceError('BAD_RECORD', `${path}, line 1: a header of more than ${maxBytes} bytes`);
    }
  }
};
