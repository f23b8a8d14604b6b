import { seededRandom } from '../../../../foundation/common/random.ts';
import { ManualClock } from '../../../../testing/manual-clock.ts';
import { connectZooKeeper, type ZooKeeperOptions } from '../connect-zookeeper.ts';
import type { ZooKeeperClient } from '../zookeeper-client.ts';
import { ZooKeeperError } from '../zookeeper-error.ts';
import { FakeNetwork, rest } from './fake-network.ts';

/** How promises ended: the value, or the code of the error. */
export const ends = (): {
  readonly list: string[];
  readonly track: (name: string, promise: Promise<unknown>) => void;
} => {
  const list: string[] = [];
  return {
    list,
    track: (name, promise) => {
      promise.then(
        () => list.push(`${name} ok`),
        (error: unknown) => list.push(`${name} ${error instanceof ZooKeeperError ? error.code : String(error)}`),
      );
    },
  };
};

/** A client on a network and a clock that do what a test says. Session timeout 3 s. */
export class ClientWorld {
  readonly network = new FakeNetwork();
  readonly clock = new ManualClock(1_000);
  readonly client: ZooKeeperClient;
  readonly states: string[] = [];
  readonly #ends = ends();

  /** `names`: what names stand for. */
  constructor(options: Partial<ZooKeeperOptions> = {}, names: Readonly<Record<string, readonly string[]>> = {}) {
    for (const [name, addresses] of Object.entries(names)) {
      this.network.names.set(name, addresses);
    }
    this.client = connectZooKeeper({
      connectString: 'a:1',
      sessionTimeoutMs: 3_000,
      transport: this.network,
      clock: this.clock,
      random: seededRandom(5),
      ...options,
    });
    this.client.onState((state) => this.states.push(state));
  }

  /** With a client that is connected. */
  static async connected(options: Partial<ZooKeeperOptions> = {}): Promise<ClientWorld> {
    const world = new ClientWorld(options);
    await rest();
    world.network.link.welcome();
    await rest();
    return world;
  }

  /** Ends so far of what was tracked. */
  get ended(): readonly string[] {
    return this.#ends.list;
  }

  track(name: string, promise: Promise<unknown>): void {
    this.#ends.track(name, promise);
  }

  /** Time goes by in small steps, so that what timers set off can go on. */
  async pass(durationMs: number, stepMs = 10): Promise<void> {
    for (let passed = 0; passed < durationMs; passed += stepMs) {
      this.clock.advanceBy(Math.min(stepMs, durationMs - passed));
      await rest();
    }
  }

  /** Until there is a connection that was not there. */
  async reconnected(): Promise<void> {
    const { length } = this.network.links;
    for (let waitedMs = 0; this.network.links.length === length; waitedMs += 5) {
      if (waitedMs > 60_000) {
        throw new Error('no new connection within a minute');
      }
      await this.pass(5);
    }
  }
}
