import { present } from '../../../foundation/common/assert.ts';
import type { AttemptId } from '../../../foundation/common/ids.ts';

/** What is in flight, by attempt, in order. */
export class AttemptQueues<T> {
  readonly #queues = new Map<AttemptId, T[]>();

  /** Those of which something is in flight. */
  get attempts(): readonly AttemptId[] {
    return [...this.#queues.keys()];
  }

  has(attempt: AttemptId): boolean {
    return this.#queues.has(attempt);
  }

  count(attempt: AttemptId): number {
    return this.#queues.get(attempt)?.length ?? 0;
  }

  add(attempt: AttemptId, item: T): void {
    const queue = this.#queues.get(attempt);
    if (queue === undefined) {
      this.#queues.set(attempt, [item]);
    } else {
      queue.push(item);
    }
  }

  take(attempt: AttemptId): T {
    const queue = present(this.#queues.get(attempt), 'queue');
    const item = present(queue.shift(), 'item');
    if (queue.length === 0) {
      this.#queues.delete(attempt);
    }
    return item;
  }

  drop(attempt: AttemptId): void {
    this.#queues.delete(attempt);
  }

  clear(): void {
    this.#queues.clear();
  }
}
