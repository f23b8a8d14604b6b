import type { Random } from '../../../src/foundation/common/random.ts';
import type { DiskChange, DiskWeather } from './simulated-disk.ts';
import type { CallOutcome } from './transaction-log.ts';

/** One disk of so many takes up to so long for each change: a leader may be replaced while what it asked for is on its way. */
const SLOW_DISKS = 8;
const SLOW_DISK_MS = 300;

/** How the network, the disk and the log behave at the moment. Faults change it, and `clear` ends them all. */
export class Weather implements DiskWeather {
  readonly #random: Random;
  /** Of this schedule: some networks are slow, some are uneven. */
  readonly #networkMs: number;
  readonly #unevenMs: number;
  readonly #diskMs: number;
  /** All calls of the disk fail with it. */
  #awayWith: string | undefined;
  #slowMs = 0;
  /** This part of the changes fails, after it has begun or not. */
  #failing = 0;
  #failingLog = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#networkMs = random.next() ** 2 * 5;
    this.#unevenMs = random.next() ** 3 * 50;
    this.#diskMs = random.int(SLOW_DISKS) === 0 ? random.next() * SLOW_DISK_MS : random.next() ** 2 * 5;
  }

  networkDelayMs(random: Random): number {
    return this.#networkMs + random.next() ** 4 * this.#unevenMs;
  }

  delayMs(random: Random): number {
    return random.next() * (this.#diskMs + this.#slowMs);
  }

  failure(change: DiskChange | undefined, random: Random): Error | undefined {
    if (this.#awayWith !== undefined) {
      return systemError(this.#awayWith);
    }
    return change !== undefined && this.#failing > 0 && random.next() < this.#failing ? systemError('EIO') : undefined;
  }

  outcomeOfLogCall(): CallOutcome {
    if (this.#random.next() >= this.#failingLog) {
      return 'done';
    }
    return this.#random.int(2) === 0 ? 'failed' : 'done-and-failed';
  }

  storageAway(code: 'ETIMEDOUT' | 'ESTALE' | 'EIO'): void {
    this.#awayWith = code;
  }

  storageBack(): void {
    this.#awayWith = undefined;
  }

  storageSlow(ms: number): void {
    this.#slowMs = ms;
  }

  uploadsFail(part: number): void {
    this.#failing = part;
  }

  logFails(part: number): void {
    this.#failingLog = part;
  }

  clear(): void {
    this.#awayWith = undefined;
    this.#slowMs = 0;
    this.#failing = 0;
    this.#failingLog = 0;
  }
}

const systemError = (code: string): Error => Object.assign(new Error(`${code}: the simulated disk`), { code });
