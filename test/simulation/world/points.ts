/** Where a fault may strike. */
export const POINTS = [
  'submitting',
  'deploying',
  'triggered',
  'partly acknowledged',
  'file written',
  'pointer written',
  'pointer deleted',
  'commit sent',
  'reconciling',
  'restoring',
  'rescaling',
  'cancelling',
  'stopping with savepoint',
  'finishing',
  /** The leader sends something: what it decided at once, it may not have told everybody. */
  'sending',
] as const;
export type Point = (typeof POINTS)[number];

/** A fault that waits for its point. */
interface Trap {
  readonly point: Point;
  /** So many times it is passed by. */
  left: number;
  readonly strike: () => void;
}

/** The points that a schedule comes by, and what waits there. */
export class Points {
  #traps: Trap[] = [];

  /** Strikes at that point, once it was passed `skipped` times from now on. Returns what takes it away. */
  strikeAt(point: Point, skipped: number, strike: () => void): () => void {
    const trap = { point, left: skipped, strike };
    this.#traps.push(trap);
    return () => this.#remove(trap);
  }

  /** What has not struck never will. */
  clear(): void {
    this.#traps = [];
  }

  /** `isThere` is asked only where something waits. */
  passIf(point: Point, isThere: () => boolean): void {
    if (this.#traps.some((one) => one.point === point) && isThere()) {
      this.pass(point);
    }
  }

  pass(point: Point): void {
    for (const trap of this.#traps.filter((one) => one.point === point)) {
      if (trap.left-- <= 0) {
        this.#remove(trap);
        trap.strike();
      }
    }
  }

  #remove(trap: Trap): void {
    this.#traps = this.#traps.filter((one) => one !== trap);
  }
}
