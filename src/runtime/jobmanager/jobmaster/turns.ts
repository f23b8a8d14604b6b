/** Takes what it is given one at a time, in order: what one calls may give more, which waits for its turn. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #isRunning = false;

  take(run: () => void): void {
    this.#waiting.push(run);
    if (this.#isRunning) {
      return;
    }
    this.#isRunning = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        next();
      }
    } finally {
      this.#isRunning = false;
    }
  }
}
