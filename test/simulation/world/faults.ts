import { present } from '../../../src/foundation/common/assert.ts';
import type { Random } from '../../../src/foundation/common/random.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { Weather } from './weather.ts';
import type { World } from './world.ts';

export const FAULTS = [
  'leader dies',
  'standby dies',
  'TaskManager dies',
  'host is lost',
  'all lose power',
  'leader pauses',
  'TaskManager pauses',
  'one-way partition',
  'two-way partition',
  'connection breaks',
  'data connection breaks',
  'storage is away',
  'storage is slow',
  'uploads fail',
  'log fails',
  'user code throws',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultsOptions {
  readonly world: World;
  readonly weather: Weather;
  readonly random: Random;
  /** The next calls of user code throw. */
  readonly userCodeThrows: () => void;
}

/** Dead processes are started again after so long, at most. */
const DEAD_MS = 6_000;
/** Longer than the lease, and than the heartbeat's patience. */
const PAUSE_MS = 20_000;
const PARTITION_MS = 15_000;
const STORAGE_MS = 8_000;

/** What breaks in a simulated world, and is mended some time later. */
export class Faults {
  readonly #options: FaultsOptions;
  /** What is broken now. */
  readonly #mend = new Set<() => void>();

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  strike(fault: Fault): void {
    const { world, weather, random, userCodeThrows } = this.#options;
    switch (fault) {
      case 'leader dies':
        return this.#killJobManager(world.leader?.name);
      case 'standby dies':
        return this.#killJobManager(this.#oneOf(world.standbys)?.name);
      case 'TaskManager dies':
        return this.#killTaskManager(this.#oneOf(world.livingTaskManagers), false);
      case 'host is lost':
        return this.#killTaskManager(this.#oneOf(world.livingTaskManagers), true);
      case 'all lose power':
        return this.#powerLoss();
      case 'leader pauses':
        return this.#pause(world.leader?.process);
      case 'TaskManager pauses':
        return this.#pause(world.processOf(this.#oneOf(world.livingTaskManagers)));
      case 'one-way partition':
      case 'two-way partition':
        return this.#partition(fault === 'two-way partition');
      case 'connection breaks': {
        const [one, other] = this.#twoHosts();
        return world.network.break(one, other);
      }
      case 'data connection breaks': {
        const [one, other] = this.#twoHosts();
        return world.data.break(one, other);
      }
      case 'storage is away':
        weather.storageAway((['ETIMEDOUT', 'ESTALE', 'EIO'] as const)[random.int(3)]!);
        return this.#later(random.next() * STORAGE_MS, () => weather.storageBack());
      case 'storage is slow':
        weather.storageSlow(random.next() * 2_000);
        return this.#later(random.next() * STORAGE_MS, () => weather.storageSlow(0));
      case 'uploads fail':
        weather.uploadsFail(random.next());
        return this.#later(random.next() * STORAGE_MS, () => weather.uploadsFail(0));
      case 'log fails':
        weather.logFails(random.next());
        return this.#later(random.next() * STORAGE_MS, () => weather.logFails(0));
      case 'user code throws':
        return userCodeThrows();
    }
  }

  /** Nothing is broken any more. */
  mendAll(): void {
    [...this.#mend].forEach((mend) => mend());
  }

  #killJobManager(name: string | undefined): void {
    const { world } = this.#options;
    if (name !== undefined) {
      world.killJobManager(name);
      this.#later(this.#options.random.next() * DEAD_MS, () => world.startJobManager(name));
    }
  }

  #killTaskManager(name: string | undefined, isHostLost: boolean): void {
    const { world } = this.#options;
    if (name !== undefined) {
      world.killTaskManager(name, isHostLost);
      this.#later(this.#options.random.next() * DEAD_MS, () => world.startTaskManager(name));
    }
  }

  /** What was not flushed is lost, in part. */
  #powerLoss(): void {
    const { world, random } = this.#options;
    const jobManagers = world.livingJobManagers;
    const taskManagers = world.livingTaskManagers;
    jobManagers.forEach((name) => world.killJobManager(name));
    taskManagers.forEach((name) => world.killTaskManager(name, true));
    world.disk.crash(random);
    jobManagers.forEach((name) => this.#later(random.next() * DEAD_MS, () => world.startJobManager(name)));
    taskManagers.forEach((name) => this.#later(random.next() * DEAD_MS, () => world.startTaskManager(name)));
  }

  #pause(process: SimulatedProcess | undefined): void {
    if (process !== undefined) {
      process.pause();
      this.#later(this.#options.random.next() ** 2 * PAUSE_MS, () => process.resume());
    }
  }

  #partition(bothWays: boolean): void {
    const { network } = this.#options.world;
    const [one, other] = this.#twoHosts();
    network.cut(one, other);
    if (bothWays) {
      network.cut(other, one);
    }
    this.#later(this.#options.random.next() * PARTITION_MS, () => {
      network.heal(one, other);
      network.heal(other, one);
    });
  }

  #later(delayMs: number, mend: () => void): void {
    const once = (): void => {
      if (this.#mend.delete(once)) {
        mend();
      }
    };
    this.#mend.add(once);
    this.#options.world.time.after(delayMs, once);
  }

  #twoHosts(): readonly [string, string] {
    const hosts = this.#options.world.hosts;
    const one = this.#options.random.int(hosts.length);
    const other = (one + 1 + this.#options.random.int(hosts.length - 1)) % hosts.length;
    return [present(hosts[one], 'host'), present(hosts[other], 'host')];
  }

  #oneOf<T>(all: readonly T[]): T | undefined {
    return all[this.#options.random.int(Math.max(1, all.length))];
  }
}
