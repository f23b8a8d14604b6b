import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** What a process waits for, as its log says it: plain, or as JSON. */
const WAITING = /Waiting for .*$/;

const messageIn = (line: string): string | undefined => {
  let message = line;
  if (line.startsWith('{')) {
    try {
      message = String((JSON.parse(line) as { readonly msg?: unknown }).msg);
    } catch {
      // A plain line that looks so.
    }
  }
  return WAITING.exec(message)?.[0];
};

/** Lines of logs that say what processes wait for, from now on, each once: the logs are of earlier starts too. */
export class NewWarnings {
  readonly #offsets: Map<string, number>;
  readonly #said = new Set<string>();

  constructor(logs: readonly string[]) {
    this.#offsets = new Map(logs.map((log) => [log, existsSync(log) ? statSync(log).size : 0]));
  }

  lines(): readonly string[] {
    return [...this.#offsets.keys()].flatMap((log) => this.#linesOf(log));
  }

  #linesOf(log: string): readonly string[] {
    const text = this.#read(log);
    const lines = text.split('\n').flatMap((line) => messageIn(line) ?? []);
    const fresh = lines.filter((line) => !this.#said.has(line));
    fresh.forEach((line) => this.#said.add(line));
    return fresh;
  }

  /** Whole lines only. */
  #read(log: string): string {
    if (!existsSync(log)) {
      return '';
    }
    const from = this.#offsets.get(log) ?? 0;
    const file = openSync(log, 'r');
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - from));
      const text = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from)).toString('utf8');
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      this.#offsets.set(log, from + Buffer.byteLength(whole));
      return whole;
    } finally {
      closeSync(file);
    }
  }
}
