import { present } from '../../../foundation/common/assert.ts';
import type { FileSystem, OutputFile } from '../../../foundation/filesystem/file-system.ts';
import type { OrderedIo } from './ordered-io.ts';

/** Text is collected up to this many characters before it is encoded and written. */
const CHUNK_CHARACTERS = 128 * 1024;

export interface PartFileOptions {
  /** Without stage. */
  readonly hidden: string;
  /** What it will be called. */
  readonly final: string;
  readonly path: string;
  readonly openedMs: number;
  readonly io: OrderedIo;
  /** A chunk has reached the file system. */
  readonly onWritten: (bytes: number) => void;
}

/** One part that is being written: records are collected in memory and written in chunks, in order. */
export class PartFile {
  readonly hidden: string;
  readonly final: string;
  readonly openedMs: number;
  /** A checkpoint counts what the part has so far. */
  isListed = false;
  readonly #path: string;
  readonly #io: OrderedIo;
  readonly #onWritten: (bytes: number) => void;
  #file: OutputFile | undefined;
  #text = '';
  #encodedBytes = 0;

  constructor(fs: FileSystem, options: PartFileOptions) {
    this.hidden = options.hidden;
    this.final = options.final;
    this.openedMs = options.openedMs;
    this.#path = options.path;
    this.#io = options.io;
    this.#onWritten = options.onWritten;
    this.#io.run(async () => {
      this.#file = await fs.create(this.#path);
    });
  }

  /** Bytes, those not yet encoded counted as one for each character. */
  get size(): number {
    return this.#encodedBytes + this.#text.length;
  }

  /** Returns how many bytes went to the file system: 0 while the record only joins the chunk. */
  append(text: string): number {
    this.#text += text;
    return this.#text.length >= CHUNK_CHARACTERS ? this.flush() : 0;
  }

  flush(): number {
    const bytes = Buffer.from(this.#text);
    if (bytes.length > 0) {
      this.#text = '';
      this.#encodedBytes += bytes.length;
      this.#io.run(async () => {
        await present(this.#file, 'open part').write(bytes);
        this.#onWritten(bytes.length);
      });
    }
    return bytes.length;
  }

  /** Everything so far becomes durable, the file stays open. Returns the size. */
  sync(): number {
    this.flush();
    this.#io.run(() => present(this.#file, 'open part').sync());
    return this.#encodedBytes;
  }

  /** Everything becomes durable, the file is closed. Returns the size. */
  finish(): number {
    this.flush();
    this.#io.run(() => present(this.#file, 'open part').close());
    return this.#encodedBytes;
  }

  async abandon(): Promise<void> {
    await this.#file?.abandon();
  }
}
