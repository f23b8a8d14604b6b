import { AssertionError } from './assert.ts';

/** First in, first out, without moving elements; grows up to `limit`, pushing beyond it is a programmer's error. */
export class RingQueue<T> {
  readonly #limit: number;
  #items: (T | undefined)[];
  #head = 0;
  #size = 0;

  constructor(limit: number, initial = 8) {
    this.#limit = limit;
    this.#items = new Array<T | undefined>(initial);
  }

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    if (this.#size === this.#items.length) {
      this.#grow();
    }
    this.#items[(this.#head + this.#size) % this.#items.length] = item;
    this.#size++;
  }

  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#items[this.#head];
  }

  /** The element that was pushed last. */
  peekLast(): T | undefined {
    return this.#size === 0 ? undefined : this.#items[(this.#head + this.#size - 1) % this.#items.length];
  }

  /** Puts `item` in the place of the element that was pushed last. */
  replaceLast(item: T): void {
    if (this.#size === 0) {
      throw new AssertionError('queue is empty');
    }
    this.#items[(this.#head + this.#size - 1) % this.#items.length] = item;
  }

  shift(): T | undefined {
    if (this.#size === 0) {
      return undefined;
    }
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#items.length;
    this.#size--;
    return item;
  }

  clear(): void {
    this.#items = new Array<T | undefined>(8);
    this.#head = 0;
    this.#size = 0;
  }

  #grow(): void {
    if (this.#size >= this.#limit) {
      throw new AssertionError(`queue is full: ${this.#size} of ${this.#limit}`);
    }
    const grown = new Array<T | undefined>(Math.min(this.#limit, this.#items.length * 2));
    for (let i = 0; i < this.#size; i++) {
      grown[i] = this.#items[(this.#head + i) % this.#items.length];
    }
    this.#items = grown;
    this.#head = 0;
  }
}
