const CELLS = 3;
const MAIN_TICKS = 0;
const WORKER_TICKS = 1;
const HANDED_OVER = 2;

/**
 * Signs of life of the main thread and of the one that has the ZooKeeper sessions: in memory that both see, because a thread that is held
 * up reads no messages. Counters wrap; what counts is that they change.
 */
export class ThreadSignals {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array<SharedArrayBuffer>;

  constructor(buffer = new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  tickMain(): void {
    Atomics.add(this.#cells, MAIN_TICKS, 1);
  }

  tickWorker(): void {
    Atomics.add(this.#cells, WORKER_TICKS, 1);
  }

  get mainTicks(): number {
    return Atomics.load(this.#cells, MAIN_TICKS);
  }

  /** 0: it does not run yet. */
  get workerTicks(): number {
    return Atomics.load(this.#cells, WORKER_TICKS);
  }

  /** What this client says when it is closed was handed to the operating system. */
  handedOver(client: number): void {
    Atomics.store(this.#cells, HANDED_OVER, client);
    Atomics.notify(this.#cells, HANDED_OVER);
  }

  /** Holds this thread up until then, or for `timeoutMs`. */
  awaitHandedOver(client: number, timeoutMs: number): void {
    const giveUpAtMs = performance.now() + timeoutMs;
    for (let leftMs = timeoutMs; leftMs > 0; leftMs = giveUpAtMs - performance.now()) {
      const handedOver = Atomics.load(this.#cells, HANDED_OVER);
      if (handedOver === client) {
        return;
      }
      Atomics.wait(this.#cells, HANDED_OVER, handedOver, leftMs);
    }
  }
}
