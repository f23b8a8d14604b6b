import { Ensemble } from '../../test/integration/zookeeper/ensemble.ts';

/** What the JobManagers agree through. */
export interface FailoverStore {
  /** For people. */
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  /** After so long without a sign of life a leader counts as lost. */
  readonly leaseMs: number;
  /** Within which a leader that is paused is to be replaced. */
  readonly hostLossMs: number;
  /** `kill -9` of the server that leads the others; resolves with what starts it again. `undefined`: there are no servers. */
  readonly killLeader: (() => Promise<() => void>) | undefined;
  stop(): Promise<void>;
}

/** What a standby may take after the lease has ended. */
const PATIENCE_MS = 500;

/** With its default lease. */
export const embeddedStore: FailoverStore = {
  name: 'the embedded store',
  settings: { 'high-availability.type': 'embedded' },
  leaseMs: 5_000,
  hostLossMs: 5_000 + PATIENCE_MS,
  killLeader: undefined,
  stop: () => Promise.resolve(),
};

/** Of a session: what an ensemble with the usual `syncLimit` of five ticks has, so that the limit is the session. */
const TICKS = 5;

/** Three real servers on this machine, which flush what they write; Debian's package. */
export const zooKeeperStore = async (sessionMs: number): Promise<FailoverStore> => {
  const tickMs = Math.round(sessionMs / TICKS);
  const ensemble = await Ensemble.start({
    config: [`tickTime=${tickMs}`, `syncLimit=${TICKS}`],
    java: ['-Dzookeeper.forceSync=yes'],
  });
  return {
    name: `three ZooKeeper servers, a session of ${sessionMs} ms, a tick of ${tickMs} ms`,
    settings: {
      'high-availability.type': 'zookeeper',
      'high-availability.zookeeper.quorum': ensemble.connectString,
      'high-availability.zookeeper.client.session-timeout': `${sessionMs} ms`,
    },
    leaseMs: sessionMs,
    hostLossMs: sessionMs + tickMs + PATIENCE_MS,
    killLeader: async () => {
      const server = await ensemble.leader();
      await ensemble.kill(server);
      return () => ensemble.restart(server);
    },
    stop: () => ensemble.stop(),
  };
};
