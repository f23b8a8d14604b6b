import type { StoreEvents, StoreOfWorld } from './store-of-world.ts';
import { StoreShadow } from './store-shadow.ts';
import type { WorldSize } from './sizes.ts';
import type { Weather } from './weather.ts';
import type { World, WorldOptions } from './world.ts';
import { ZooKeeperShadow } from './zookeeper-shadow.ts';

/** What a world without the embedded store needs. */
export const zookeeperOf = (
  { store }: WorldSize,
  weather: Weather,
  shadow: () => StoreOfWorld,
): WorldOptions['zookeeper'] =>
  store === 'embedded'
    ? undefined
    : {
        delayMs: (delays) => weather.networkDelayMs(delays),
        accepted: (accepted) => shadow().accepted?.(accepted),
      };

export const storeOf = ({ zookeeper, disk }: World, events: StoreEvents): StoreOfWorld =>
  zookeeper === undefined ? new StoreShadow(disk, events) : new ZooKeeperShadow(disk, events);
