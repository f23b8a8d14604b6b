import type { DataLocation } from '../../foundation/common/data-location.ts';
import type { DataAddress } from './thread-protocol.ts';

export interface DataAddressesOptions {
  /** Of this process. */
  readonly instanceId: string;
  readonly slots: number;
  readonly threads: number;
  /** Every thread listens; called again when one of them came back. */
  readonly located: (slots: readonly DataLocation[]) => void;
}

/** Where the threads of a TaskManager can be reached by other processes. */
export class DataAddresses {
  readonly #options: DataAddressesOptions;
  readonly #addresses: (DataAddress | undefined)[];
  readonly #ports: (number | undefined)[];
  readonly #listening = Promise.withResolvers<readonly DataLocation[]>();

  constructor(options: DataAddressesOptions) {
    this.#options = options;
    this.#addresses = Array.from({ length: options.threads });
    this.#ports = Array.from({ length: options.threads });
    this.#listening.promise.catch(() => {}); // whoever waits for it hears of it
  }

  /** The location of each slot, once all threads listen. Rejects when one cannot. */
  get whenListening(): Promise<readonly DataLocation[]> {
    return this.#listening.promise;
  }

  /** The port that the thread has, or had: consumers may know it still. */
  portOf(thread: number): number | undefined {
    return this.#ports[thread];
  }

  isListening(thread: number): boolean {
    return this.#addresses[thread] !== undefined;
  }

  ready(thread: number, address: DataAddress): void {
    this.#addresses[thread] = address;
    this.#ports[thread] = address.port;
    const { located, instanceId, slots, threads } = this.#options;
    const locations: DataLocation[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const own = this.#addresses[slot % threads];
      if (own === undefined) {
        return;
      }
      locations.push({ instanceId, thread: slot % threads, host: own.host, port: own.port });
    }
    this.#listening.resolve(locations);
    located(locations);
  }

  failed(error: unknown): void {
    this.#listening.reject(error);
  }

  died(thread: number): void {
    this.#addresses[thread] = undefined;
  }
}
