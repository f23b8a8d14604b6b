import { errorInfo } from '../../../foundation/common/errors.ts';
import type { SnapshotStatus } from '../../protocol/snapshot-requests.ts';

/** So many are remembered for a job; the oldest that are over go first. */
const REMEMBERED = 100;

/** What was asked of one job's snapshots, and how it ended; a takeover forgets it (R7). */
export class SnapshotTriggers {
  readonly #statuses = new Map<string, SnapshotStatus>();

  get(triggerId: string): SnapshotStatus | undefined {
    return this.#statuses.get(triggerId);
  }

  /** Runs it unless it was asked for before. */
  start(triggerId: string, run: () => Promise<string>): void {
    if (this.#statuses.has(triggerId)) {
      return;
    }
    this.#statuses.set(triggerId, { state: 'in-progress' });
    run().then(
      (location) => this.#statuses.set(triggerId, { state: 'completed', location }),
      (error: unknown) => this.#statuses.set(triggerId, { state: 'failed', error: errorInfo(error) }),
    );
    for (const [id, { state }] of this.#statuses) {
      if (this.#statuses.size > REMEMBERED && state !== 'in-progress') {
        this.#statuses.delete(id);
      }
    }
  }
}
