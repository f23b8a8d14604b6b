import { present } from '../../../src/foundation/common/assert.ts';
import type { Random } from '../../../src/foundation/common/random.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { Weather } from './weather.ts';
import type { World } from './world.ts';
import type { ZooKeeperOfWorld } from './zookeeper-of-world.ts';
import { isZooKeeperFault, strikeZooKeeper, type ZooKeeperFault } from './zookeeper-faults.ts';

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
  'HA store is away',
  'storage is slow',
  'uploads fail',
  'log fails',
  'user code throws',
  'user code blocks',
  'a clock is wrong',
  'commands come twice',
] as const;
/** Of a world of its own: what the store forgets, users were told of. */
export const GOES_BACK = 'the HA store goes back';
export type Fault = (typeof FAULTS)[number] | ZooKeeperFault | typeof GOES_BACK;

/** They hit neither tasks nor what those need: nothing starts again (I9). */
export const NOT_OF_TASKS: readonly Fault[] = [
  'leader dies',
  'standby dies',
  'leader pauses',
  'HA store is away',
  'commands come twice',
];

/** After none of them a leader takes a TaskManager for lost. */
export const GIVING_UP_NOBODY: readonly Fault[] = [
  ...NOT_OF_TASKS,
  'data connection breaks',
  'storage is away',
  'storage is slow',
  'uploads fail',
  'log fails',
  'user code throws',
  'user code blocks',
];

export interface FaultsOptions {
  readonly world: World;
  readonly weather: Weather;
  /** The next calls of user code throw. */
  readonly userCodeThrows: () => void;
  /** The next call of user code takes so long. */
  readonly userCodeBlocks: (forMs: number) => void;
  /** All tasks run, or have finished and are there. */
  readonly isWhole: () => boolean;
  /** An older copy of the HA store is where it was. */
  readonly wentBack: () => void;
}

/** Dead processes are started again after so long, at most. */
const DEAD_MS = 6_000;
/** Longer than the lease, and than the heartbeat's patience. */
const PAUSE_MS = 20_000;
const PARTITION_MS = 15_000;
const STORAGE_MS = 8_000;
/** Now and then longer than it takes to cancel a task. */
const BLOCKED_MS = 35_000;
const CLOCK_MS = 20_000;
/** A clock runs by this part too fast or too slow; that of a JobManager jumps by up to so much. */
const CLOCK_RATE = 0.25;
const CLOCK_JUMP_MS = 3_600_000;
const REPEATS_MS = 10_000;
/** A copy of the store is so old at most when it is put back. */
const COPY_AGE_MS = 12_000;
/** What JobManagers that died had asked the disk for takes effect until then. */
const AT_REST_MS = 3_000;

/** What breaks in a simulated world, and is mended some time later. */
export class Faults {
  readonly #options: FaultsOptions;
  /** What is broken now. */
  readonly #mend = new Set<() => void>();

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  /** Returns whether there was something to hit. */
  strike(fault: Fault, random: Random): boolean {
    const { world, weather, userCodeThrows, userCodeBlocks } = this.#options;
    const { leader } = world;
    if (world.zookeeper !== undefined && (isZooKeeperFault(fault) || fault === 'HA store is away')) {
      return this.#strikeZooKeeper(world.zookeeper, fault, random);
    }
    const taskManager = oneOf(random, world.livingTaskManagers);
    switch (fault) {
      case 'leader dies':
        return this.#killJobManager(leader?.name, false, random);
      case 'standby dies':
        return this.#killJobManager(oneOf(random, world.standbys)?.name, false, random);
      case 'TaskManager dies':
        return this.#killTaskManager(taskManager, false, random);
      case 'host is lost':
        return random.int(3) === 0
          ? this.#killJobManager(leader?.name, true, random)
          : this.#killTaskManager(taskManager, true, random);
      case 'all lose power':
        return this.#powerLoss(random);
      case 'leader pauses':
        return this.#pause(leader?.process, random);
      case 'TaskManager pauses':
        return this.#pause(world.processOf(taskManager), random);
      case 'one-way partition':
      case 'two-way partition':
        return this.#partition(fault === 'two-way partition', random);
      case 'connection breaks':
        world.network.break(...twoOf(random, world.hosts));
        return true;
      case 'data connection breaks':
        world.data.break(
          ...twoOf(
            random,
            world.taskManagers.map(({ resourceId }) => resourceId),
          ),
        );
        return true;
      case 'storage is away':
      case 'HA store is away':
        weather.storageAway(
          (['ETIMEDOUT', 'ESTALE', 'EIO'] as const)[random.int(3)]!,
          fault === 'HA store is away' ? 'HA store' : random.int(2) === 0 ? 'files' : 'all',
        );
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
        userCodeThrows();
        return true;
      case 'user code blocks':
        userCodeBlocks(random.next() ** 3 * BLOCKED_MS);
        return true;
      case 'a clock is wrong':
        return this.#clock(oneOf(random, world.livingProcesses), random);
      case 'commands come twice':
        weather.repeatsCommands = true;
        return this.#later(random.next() * REPEATS_MS, () => {
          weather.repeatsCommands = false;
        });
      case GOES_BACK:
        return this.#goBack(random);
      default:
        // Of ZooKeeper, in a world without.
        return false;
    }
  }

  #strikeZooKeeper(zookeeper: ZooKeeperOfWorld, fault: ZooKeeperFault | 'HA store is away', random: Random): boolean {
    const { world } = this.#options;
    if (fault === 'HA store is away') {
      zookeeper.ensemble.away();
      return this.#later(random.next() * STORAGE_MS, () => zookeeper.ensemble.back());
    }
    return strikeZooKeeper(zookeeper, fault, random, {
      hosts: world.livingProcesses.map(({ host }) => host),
      leaderHost: world.leader?.name,
      after: (delayMs, run) => void world.time.after(delayMs, run),
      later: (delayMs, mend) => this.#later(delayMs, mend),
    });
  }

  /** Nothing is broken any more. */
  mendAll(): void {
    [...this.#mend].forEach((mend) => mend());
  }

  #killJobManager(name: string | undefined, isHostLost: boolean, random: Random): boolean {
    const { world } = this.#options;
    if (name === undefined) {
      return false;
    }
    world.killJobManager(name, isHostLost);
    return this.#later(random.next() * DEAD_MS, () => world.startJobManager(name));
  }

  #killTaskManager(name: string | undefined, isHostLost: boolean, random: Random): boolean {
    const { world } = this.#options;
    if (name === undefined) {
      return false;
    }
    world.killTaskManager(name, isHostLost);
    return this.#later(random.next() * DEAD_MS, () => world.startTaskManager(name));
  }

  /** What was not flushed is lost, in part. */
  #powerLoss(random: Random): boolean {
    const { world } = this.#options;
    const jobManagers = world.livingJobManagers;
    const taskManagers = world.livingTaskManagers;
    jobManagers.forEach((name) => world.killJobManager(name, true));
    taskManagers.forEach((name) => world.killTaskManager(name, true));
    world.disk.crash(random);
    jobManagers.forEach((name) => this.#later(random.next() * DEAD_MS, () => world.startJobManager(name)));
    taskManagers.forEach((name) => this.#later(random.next() * DEAD_MS, () => world.startTaskManager(name)));
    return true;
  }

  /** A copy is made now; later all JobManagers are stopped, it is put back, and they start again. */
  #goBack(random: Random): boolean {
    const { world, isWhole, wentBack } = this.#options;
    if (!isWhole()) {
      return false;
    }
    const copy = world.copyOfStore();
    world.time.after(random.next() * COPY_AGE_MS, () => {
      if (isWhole()) {
        world.holdJobManagers();
        world.time.after(AT_REST_MS, () => {
          void copy.then((contents) => world.putStoreBack(contents)).then(wentBack);
        });
      }
    });
    return true;
  }

  #pause(process: SimulatedProcess | undefined, random: Random): boolean {
    if (process === undefined || process.isPaused) {
      return false;
    }
    process.pause();
    return this.#later(random.next() ** 2 * PAUSE_MS, () => process.resume());
  }

  #clock(process: SimulatedProcess | undefined, random: Random): boolean {
    if (process === undefined) {
      return false;
    }
    // Tasks live by the wall clock, as their users want it: what it jumps over is late, or due already.
    const jumpMs = this.#options.world.isTaskManager(process) ? 0 : (2 * random.next() - 1) * CLOCK_JUMP_MS;
    process.setClock(1 + (2 * random.next() - 1) * CLOCK_RATE, jumpMs);
    return this.#later(random.next() * CLOCK_MS, () => process.setClock(1, 0));
  }

  #partition(bothWays: boolean, random: Random): boolean {
    const { world } = this.#options;
    const [one, other] = twoOf(random, world.hosts);
    if (random.int(2) === 0) {
      // A device in between resets connections that it has forgotten: each side takes the other one for dead.
      world.network.break(one, other, { isReset: true });
    }
    world.network.cut(one, other);
    if (bothWays) {
      world.network.cut(other, one);
    }
    return this.#later(random.next() * PARTITION_MS, () => {
      world.network.heal(one, other);
      world.network.heal(other, one);
    });
  }

  #later(delayMs: number, mend: () => void): true {
    const once = (): void => {
      if (this.#mend.delete(once)) {
        mend();
      }
    };
    this.#mend.add(once);
    this.#options.world.time.after(delayMs, once);
    return true;
  }
}

const twoOf = (random: Random, hosts: readonly string[]): readonly [string, string] => {
  const one = random.int(hosts.length);
  const other = (one + 1 + random.int(hosts.length - 1)) % hosts.length;
  return [present(hosts[one], 'host'), present(hosts[other], 'host')];
};

const oneOf = <T>(random: Random, all: readonly T[]): T | undefined => all[random.int(Math.max(1, all.length))];
