/** When which sum was printed for the first time. */
export class PrintedSums {
  readonly #seen = new Set<number>();
  readonly #firstTimesMs: number[] = [];

  /** Returns whether it was printed before. */
  add(sum: number, atMs: number): boolean {
    if (this.#seen.has(sum)) {
      return true;
    }
    this.#seen.add(sum);
    this.#firstTimesMs.push(atMs);
    return false;
  }

  /** Those that came for the first time. */
  get count(): number {
    return this.#firstTimesMs.length;
  }

  countSince(fromMs: number): number {
    return this.#firstTimesMs.filter((time) => time >= fromMs).length;
  }

  /** The longest wait for a new sum that ended in this stretch of time. */
  longestGapMs(fromMs: number, toMs: number): number {
    const times = this.#firstTimesMs;
    const gaps = times.map((time, index) =>
      time >= fromMs && time < toMs && index > 0 ? time - times[index - 1]! : 0,
    );
    return Math.max(0, ...gaps);
  }
}
