import type { FileSystem } from '../../../foundation/filesystem/file-system.ts';

export interface ReadAheadOptions {
  readonly fs: FileSystem;
  readonly path: string;
  readonly from: number;
  /** Bytes from here on are read only when they are asked for. */
  readonly softEnd: number;
  readonly chunkBytes: number;
  /** There is something to take, or the end. */
  onData(): void;
  onError(error: unknown): void;
}

/** Beyond the soft end, where only the end of a line is wanted. */
const TAIL_BYTES = 64 * 1024;
const MAX_CHUNKS = 3;

/** Reads a file in chunks ahead of whoever takes them, a few at most. */
export class ReadAhead {
  readonly #options: ReadAheadOptions;
  readonly #chunks: Buffer[] = [];
  #next: number;
  #ended = false;
  #closed = false;
  #asked = false;
  #resume: (() => void) | undefined;

  constructor(options: ReadAheadOptions) {
    this.#options = options;
    this.#next = options.from;
    this.#run().catch((error: unknown) => {
      if (!this.#closed) {
        options.onError(error);
      }
    });
  }

  /** The end of the file is reached and everything taken. */
  get isAtEnd(): boolean {
    return this.#ended && this.#chunks.length === 0;
  }

  /** The next bytes; `undefined` when they are not there yet, `onData` tells. */
  take(): Buffer | undefined {
    const chunk = this.#chunks.shift();
    this.#asked = chunk === undefined;
    this.#goOn();
    return chunk;
  }

  close(): void {
    this.#closed = true;
    this.#goOn();
  }

  #goOn(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  async #run(): Promise<void> {
    const { fs, path, softEnd, chunkBytes, onData } = this.#options;
    for (;;) {
      while (!this.#closed && !this.#mayRead()) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
      }
      if (this.#closed) {
        return;
      }
      const wanted = this.#next < softEnd ? Math.min(chunkBytes, softEnd - this.#next) : TAIL_BYTES;
      const bytes = await fs.readRange(path, this.#next, wanted);
      if (bytes.length > 0) {
        this.#chunks.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
        this.#next += bytes.length;
      }
      this.#ended = bytes.length < wanted;
      onData();
      if (this.#ended) {
        return;
      }
    }
  }

  #mayRead(): boolean {
    return this.#chunks.length < MAX_CHUNKS && (this.#next < this.#options.softEnd || this.#asked);
  }
}
