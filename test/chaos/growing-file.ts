import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A text file that others append to: what was read once is not read again. */
export class GrowingFile {
  readonly path: string;
  #text = '';
  #lines: string[] = [];
  /** Of the file, in bytes: up to the end of a line. */
  #position = 0;

  constructor(path: string) {
    this.path = path;
  }

  get text(): string {
    this.#read();
    return this.#text;
  }

  /** Whole lines, without their ends. */
  get lines(): readonly string[] {
    this.#read();
    return this.#lines;
  }

  #read(): void {
    const file = openSync(this.path, 'r');
    try {
      const buffer = Buffer.alloc(fstatSync(file).size - this.#position);
      const bytes = buffer.subarray(0, readSync(file, buffer, 0, buffer.length, this.#position));
      const end = bytes.lastIndexOf('\n') + 1;
      const text = bytes.toString('utf8', 0, end);
      this.#position += end;
      this.#text += text;
      this.#lines.push(...text.split('\n').slice(0, -1));
    } finally {
      closeSync(file);
    }
  }
}
