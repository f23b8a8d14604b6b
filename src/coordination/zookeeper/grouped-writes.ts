import type { MultiOperation, MultiOutcome, MultiResult } from './client/zookeeper-client.ts';
import type { ZooKeeperError } from './client/zookeeper-error.ts';
import { isSameClaim, leadershipChecks, type LeaderClaim } from './leader-claim.ts';
import type { StorePaths } from './store-paths.ts';

/** In one multi, which takes 1 MiB: what a store writes is below 1 KiB each. */
const WRITES_MAX = 100;

export type WriteOutcome =
  | { readonly outcome: 'written'; readonly results: readonly MultiResult[] }
  /** By the checks of leadership. */
  | { readonly outcome: 'refused' }
  /** By an operation of this write. */
  | { readonly outcome: 'failed'; readonly error: ZooKeeperError };

interface Waiting {
  readonly claim: LeaderClaim;
  readonly operations: readonly MultiOperation[];
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes of one turn under one claim travel in one multi that begins with the checks of leadership (I1): a takeover notes in the record
 * of each job that it is loaded (R13). Each is carried out or not as if it were alone; one that is refused takes no other along. They
 * must be about different nodes.
 */
export class GroupedWrites {
  readonly #paths: StorePaths;
  #waiting: Waiting[] = [];

  constructor(paths: StorePaths) {
    this.#paths = paths;
  }

  /** Rejects with errors of the client; then it may have happened, unless the error says otherwise. */
  write(claim: LeaderClaim, operations: readonly MultiOperation[]): Promise<WriteOutcome> {
    return new Promise((resolve, reject) => {
      const last = this.#waiting.at(-1);
      if (last !== undefined && (!isSameClaim(last.claim, claim) || this.#waiting.length === WRITES_MAX)) {
        this.#send();
      }
      this.#waiting.push({ claim, operations, resolve, reject });
      if (this.#waiting.length === 1) {
        queueMicrotask(() => this.#send());
      }
    });
  }

  #send(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const [first] = waiting;
    if (first !== undefined) {
      void this.#carryOut(first.claim, waiting);
    }
  }

  async #carryOut(claim: LeaderClaim, waiting: readonly Waiting[]): Promise<void> {
    const checks = leadershipChecks(claim, this.#paths);
    for (let left = waiting; left.length > 0;) {
      let outcome: MultiOutcome;
      try {
        outcome = await claim.client.multi([...checks, ...left.flatMap(({ operations }) => operations)]);
      } catch (error) {
        left.forEach(({ reject }) => reject(error));
        return;
      }
      if (outcome.ok) {
        tellResults(left, outcome.results.slice(checks.length));
        return;
      }
      const { index, error } = outcome;
      if (index < checks.length) {
        left.forEach(({ resolve }) => resolve({ outcome: 'refused' }));
        return;
      }
      const failed = ownerOf(left, index - checks.length);
      failed.resolve({ outcome: 'failed', error });
      left = left.filter((one) => one !== failed);
    }
  }
}

const tellResults = (waiting: readonly Waiting[], results: readonly MultiResult[]): void => {
  let at = 0;
  for (const { operations, resolve } of waiting) {
    resolve({ outcome: 'written', results: results.slice(at, at + operations.length) });
    at += operations.length;
  }
};

const ownerOf = (waiting: readonly Waiting[], operation: number): Waiting => {
  let left = operation;
  for (const one of waiting) {
    if (left < one.operations.length) {
      return one;
    }
    left -= one.operations.length;
  }
  throw new RangeError(`the operation ${operation} of a multi that has fewer`);
};
