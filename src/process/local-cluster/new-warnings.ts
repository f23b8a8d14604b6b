import { readFrom, sizeOf } from './read-from.ts';

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
    this.#offsets = new Map(logs.map((log) => [log, sizeOf(log)]));
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
    const from = this.#offsets.get(log) ?? 0;
    const text = readFrom(log, from);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    this.#offsets.set(log, from + Buffer.byteLength(whole));
    return whole;
  }
}
