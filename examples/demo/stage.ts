import { styleText } from 'node:util';

const SUMS_IN_A_ROW = 5;
const SUM_WIDTH = 11;

/** What the reader sees: sums in rows, each shown the moment it comes, and between them what happens, with the time. */
export class Stage {
  readonly #sinceMs = performance.now();
  #sumsInRow = 0;

  /** Without a time: what stands before and after the show. */
  write(text: string): void {
    this.#endRow();
    process.stdout.write(`${text}\n`);
  }

  say(text: string): void {
    this.write(`${this.#time()}  ${text}`);
  }

  shout(text: string): void {
    this.say(styleText(['bold', 'red'], text, { stream: process.stdout }));
  }

  /** In brackets: it was printed before. */
  sum(value: number, isRepeated: boolean): void {
    if (this.#sumsInRow === 0) {
      process.stdout.write(this.#time());
    }
    process.stdout.write((isRepeated ? `(${value})` : String(value)).padStart(SUM_WIDTH));
    this.#sumsInRow++;
    if (this.#sumsInRow === SUMS_IN_A_ROW) {
      this.#endRow();
    }
  }

  #endRow(): void {
    if (this.#sumsInRow > 0) {
      process.stdout.write('\n');
      this.#sumsInRow = 0;
    }
  }

  #time(): string {
    return `${((performance.now() - this.#sinceMs) / 1000).toFixed(1).padStart(6)} s`;
  }
}
