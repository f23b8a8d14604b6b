/** Where a fault may strike; a schedule counts how often it was there. */
export const POINTS = [
  'deploying',
  'triggered',
  'partly acknowledged',
  'file written',
  'pointer written',
  'commit sent',
  'reconciling',
  'restoring',
  'cancelling',
  'finishing',
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
  readonly #passed = new Map<Point, number>();
  #traps: Trap[] = [];

  /** How often it was there. */
  passed(point: Point): number {
    return this.#passed.get(point) ?? 0;
  }

  /** Strikes at that point, once it was passed `skipped` times from now on. */
  strikeAt(point: Point, skipped: number, strike: () => void): void {
    this.#traps.push({ point, left: skipped, strike });
  }

  /** What has not struck never will. */
  clear(): void {
    this.#traps = [];
  }

  pass(point: Point): void {
    this.#passed.set(point, this.passed(point) + 1);
    for (const trap of this.#traps.filter((one) => one.point === point)) {
      if (trap.left-- <= 0) {
        this.#traps = this.#traps.filter((one) => one !== trap);
        trap.strike();
      }
    }
  }
}
