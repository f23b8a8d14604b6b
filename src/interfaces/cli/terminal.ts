import type { Writable } from 'node:stream';

export interface TerminalStreams {
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
}

/** Asks whoever sits at the terminal. */
export type Confirm = (question: string) => Promise<boolean>;

/** Erases the line that the cursor is in. */
const ERASE = '\r\u001B[2K';

/**
 * Output of a running job: its lines go to stdout, log lines and the status line to stderr. On a terminal the status
 * stays in the last line; elsewhere each status is a line of its own.
 */
export class Terminal {
  readonly #streams: TerminalStreams;
  readonly #live: boolean;
  #status = '';
  #draining: Promise<void> | undefined;

  constructor(streams: TerminalStreams) {
    this.#streams = streams;
    this.#live = streams.stderr.isTTY === true;
  }

  /** A line of the job's output. A promise where nobody reads it as fast as it comes: it waits in memory until then. */
  print(line: string): void | Promise<void> {
    const { stdout } = this.#streams;
    this.#around(() => stdout.write(`${line}\n`));
    if (!stdout.writableNeedDrain) {
      return;
    }
    this.#draining ??= new Promise<void>((resolve) => {
      const drained = (): void => {
        this.#draining = undefined;
        for (const event of ['drain', 'close', 'error']) {
          stdout.off(event, drained);
        }
        resolve();
      };
      for (const event of ['drain', 'close', 'error']) {
        stdout.on(event, drained);
      }
    });
    return this.#draining;
  }

  /** A line about the job. */
  log(line: string): void {
    this.#around(() => this.#streams.stderr.write(`${line}\n`));
  }

  status(line: string): void {
    if (!this.#live) {
      this.#streams.stderr.write(`${line}\n`);
      return;
    }
    this.#status = line.slice(0, (this.#streams.stderr.columns ?? 80) - 1);
    this.#streams.stderr.write(ERASE + this.#status);
  }

  /** The status line is over; what was shown last stays. */
  end(): void {
    if (this.#live && this.#status !== '') {
      this.#streams.stderr.write('\n');
      this.#status = '';
    }
  }

  #around(write: () => void): void {
    if (this.#status === '') {
      write();
      return;
    }
    this.#streams.stderr.write(ERASE);
    write();
    this.#streams.stderr.write(this.#status);
  }
}
