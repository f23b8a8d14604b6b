import type { Random } from '../../../src/foundation/common/random.ts';
import type { DiskWeather } from './simulated-disk.ts';
import type { CallOutcome } from './transaction-log.ts';

/** One disk of so many takes up to so long for each change: a leader may be replaced while what it asked for is on its way. */
const SLOW_DISKS = 8;
const SLOW_DISK_MS = 300;

/** What of the storage does not answer: they may be on two disks. */
export type AwayPart = 'all' | 'HA store' | 'files';

/** How the network, the disk and the log behave at the moment. Faults change it, and `clear` ends them all. */
export class Weather implements DiskWeather {
  readonly #random: Random;
  /** Of this schedule: some networks are slow, some are uneven. */
  readonly #networkMs: number;
  readonly #unevenMs: number;
  readonly #diskMs: number;
  /** Calls of the disk fail with it: those of the HA store, those of files, or all. */
  #away: { readonly code: string; readonly what: AwayPart } | undefined;
  /** Commands to TaskManagers come twice. */
  repeatsCommands = false;
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

  failure(path: string, isChange: boolean, random: Random): Error | undefined {
    const away = this.#away;
    if (away !== undefined && (away.what === 'all' || (away.what === 'HA store') === isOfStore(path))) {
      return systemError(away.code);
    }
    return isChange && this.#failing > 0 && random.next() < this.#failing ? systemError('EIO') : undefined;
  }

  outcomeOfLogCall(): CallOutcome {
    if (this.#random.next() >= this.#failingLog) {
      return 'done';
    }
    return this.#random.int(2) === 0 ? 'failed' : 'done-and-failed';
  }

  storageAway(code: 'ETIMEDOUT' | 'ESTALE' | 'EIO', what: AwayPart): void {
    this.#away = { code, what };
  }

  storageBack(): void {
    this.#away = undefined;
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
    this.#away = undefined;
    this.repeatsCommands = false;
    this.#slowMs = 0;
    this.#failing = 0;
    this.#failingLog = 0;
  }
}

const isOfStore = (path: string): boolean => path.includes('/ha-store');

const systemError = (code: string): Error => Object.assign(new Error(`${code}: the simulated disk`), { code });
