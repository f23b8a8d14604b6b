import type { TimerBucket } from './timer-bucket.ts';

/** The buckets in a binary heap by time; each knows its place, so that any can be taken out. */
export class TimerHeap {
  readonly #buckets: TimerBucket[] = [];

  get first(): TimerBucket | undefined {
    return this.#buckets[0];
  }

  add(bucket: TimerBucket): void {
    this.#buckets.push(bucket);
    this.#up(bucket, this.#buckets.length - 1);
  }

  remove(bucket: TimerBucket): void {
    const last = this.#buckets.pop()!;
    if (last !== bucket) {
      const index = bucket.heapIndex;
      this.#down(last, index);
      this.#up(last, last.heapIndex);
    }
    bucket.heapIndex = -1;
  }

  #up(bucket: TimerBucket, start: number): void {
    let index = start;
    while (index > 0) {
      const parent = this.#buckets[(index - 1) >> 1]!;
      if (parent.timeMs <= bucket.timeMs) {
        break;
      }
      this.#place(parent, index);
      index = (index - 1) >> 1;
    }
    this.#place(bucket, index);
  }

  #down(bucket: TimerBucket, start: number): void {
    const buckets = this.#buckets;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      if (child + 1 < buckets.length && buckets[child + 1]!.timeMs < buckets[child]!.timeMs) {
        child++;
      }
      if (child >= buckets.length || buckets[child]!.timeMs >= bucket.timeMs) {
        break;
      }
      this.#place(buckets[child]!, index);
      index = child;
    }
    this.#place(bucket, index);
  }

  #place(bucket: TimerBucket, index: number): void {
    this.#buckets[index] = bucket;
    bucket.heapIndex = index;
  }
}
