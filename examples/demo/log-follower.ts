import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const BUFFER = Buffer.alloc(64 * 1024);

/** Reads what is appended to a file. */
export class LogFollower {
  readonly #path: string;
  readonly #decoder = new StringDecoder('utf8');
  #position = 0;
  #rest = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** The complete lines since the last call. */
  lines(): readonly string[] {
    const file = openSync(this.#path, 'r');
    try {
      for (let size = 0; (size = readSync(file, BUFFER, 0, BUFFER.length, this.#position)) > 0;) {
        this.#position += size;
        this.#rest += this.#decoder.write(BUFFER.subarray(0, size));
      }
    } finally {
      closeSync(file);
    }
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    return lines;
  }
}
