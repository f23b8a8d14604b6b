import type { Random } from '../../../src/foundation/common/random.ts';
import { QUIET_LAG_MS, ZOOKEEPER_ROOT, type ZooKeeperOfWorld } from './zookeeper-of-world.ts';

/** What befalls an ensemble, beside that it is away. */
export const ZOOKEEPER_FAULTS = [
  'session expires',
  'session moves',
  'sessions move again and again',
  'answers of ZooKeeper get lost',
  'followers lag',
  'ZooKeeper server is cut off',
  'host is cut off from ZooKeeper',
  'latch is deleted',
] as const;
export type ZooKeeperFault = (typeof ZOOKEEPER_FAULTS)[number];

export const isZooKeeperFault = (fault: string): fault is ZooKeeperFault =>
  ZOOKEEPER_FAULTS.some((one) => one === fault);

/** Longer than a session, now and then. */
const LASTS_MS = 8_000;
const LAG_MS = 2_000;
const MOVES = 40;

export interface Surroundings {
  /** Hosts of living processes; the leader's, if there is one. */
  readonly hosts: readonly string[];
  readonly leaderHost: string | undefined;
  readonly after: (delayMs: number, run: () => void) => void;
  /** Mends at the end, if not before. */
  readonly later: (delayMs: number, mend: () => void) => true;
}

/** Whether there was something to hit. Half of what hits one process hits the leader's. */
export const strikeZooKeeper = (
  zookeeper: ZooKeeperOfWorld,
  fault: ZooKeeperFault,
  random: Random,
  { hosts, leaderHost, after, later }: Surroundings,
): boolean => {
  const { ensemble } = zookeeper;
  const host = (random.int(2) === 0 ? leaderHost : undefined) ?? hosts[random.int(Math.max(1, hosts.length))];
  const sessions = host === undefined ? [] : zookeeper.sessions(host);
  const forMs = random.next() * LASTS_MS;
  switch (fault) {
    case 'session expires':
      sessions.forEach(({ id }) => ensemble.expire(id));
      return sessions.length > 0;
    case 'session moves':
      sessions.forEach(({ client }) => client.breakConnection());
      return sessions.length > 0;
    case 'sessions move again and again':
      for (let move = 0; move < MOVES; move++) {
        after(random.next() * forMs, () => {
          const one = hosts[random.int(hosts.length)];
          zookeeper.sessions(one ?? '').forEach(({ client }) => client.breakConnection());
        });
      }
      return true;
    case 'answers of ZooKeeper get lost':
      // Whoever looks for what was written finds it only where it is synced.
      zookeeper.losesAnswers = random.next();
      zookeeper.lagMs = random.next() * LAG_MS;
      return later(forMs, () => {
        zookeeper.losesAnswers = 0;
        zookeeper.lagMs = QUIET_LAG_MS;
      });
    case 'followers lag':
      zookeeper.lagMs = random.next() * LAG_MS;
      return later(forMs, () => {
        zookeeper.lagMs = QUIET_LAG_MS;
      });
    case 'ZooKeeper server is cut off': {
      const server = ensemble.servers[random.int(ensemble.servers.length)];
      if (server === undefined || ensemble.servers.some(({ isIsolated }) => isIsolated)) {
        return false;
      }
      ensemble.isolate(server);
      return later(forMs, () => ensemble.rejoin(server));
    }
    case 'host is cut off from ZooKeeper':
      if (host === undefined || zookeeper.cutOff.has(host)) {
        return false;
      }
      zookeeper.cutOff.add(host);
      return later(forMs, () => zookeeper.cutOff.delete(host));
    case 'latch is deleted': {
      const latches = ensemble.tree.paths(`${ZOOKEEPER_ROOT}/leader/latch`).slice(1);
      const latch = latches[random.int(Math.max(1, latches.length))];
      return latch !== undefined && ensemble.deleteNode(latch);
    }
  }
};
