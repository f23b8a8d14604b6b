import { afterEach, expect, test } from 'vitest';
import { starts } from '../../../chaos/recount.mjs';
import { FourHosts, HOSTS } from '../../../hosts/four-hosts.ts';
import { HostNetwork } from '../../../hosts/host-network.ts';
import { Ensemble } from '../ensemble.ts';
import { eventually } from '../eventually.ts';

const EXACT = { repeated: 0, missing: 0, unexpected: 0 };
/** It is stopped before. */
const COUNT = 1_000_000;
const GRANTED = / JobManager (\S+):\d+ was granted leadership /;

let hosts: FourHosts | undefined;
let ensemble: Ensemble | undefined;

afterEach(async () => {
  await Promise.all([hosts?.close(), ensemble?.stop()]);
  hosts = ensemble = undefined;
});

/** One ZooKeeper server on each of these hosts, and B leads. */
const startHosts = async (servers: readonly string[], sessionTimeout = '2 s'): Promise<FourHosts> => {
  const network = HostNetwork.make([...new Set([...HOSTS, ...servers])]);
  const places = servers.map((host) => ({ address: network.addressOf(host), through: network.on(host) }));
  try {
    ensemble = await Ensemble.start({ places });
  } catch (thrown) {
    network.close();
    throw thrown;
  }
  hosts = new FourHosts(
    {
      'high-availability.type': 'zookeeper',
      'high-availability.zookeeper.quorum': ensemble.connectString,
      'high-availability.zookeeper.client.session-timeout': sessionTimeout,
      'heartbeat.interval': '500 ms',
      'heartbeat.timeout': '3 s',
    },
    { network },
  );
  const { cluster } = hosts;
  hosts.start('jobmanager-b');
  await cluster.until('B leads', () => cluster.leader === 'jobmanager-b');
  hosts.start('jobmanager-a');
  return hosts;
};

const startJob = async ({ cluster, work }: FourHosts): Promise<string> =>
  cluster.submit('counted.ts', work, String(COUNT), '10', '4');

/** Whoever was granted leadership; one that was in doubt for a moment goes on under a higher epoch, and is another one to nobody. */
const leaders = (): readonly string[] => [
  ...new Set(hosts!.cluster.said(GRANTED).map((line) => GRANTED.exec(line)![1]!)),
];

/** Which server has the sessions of a host. */
const serverOf = async (current: FourHosts, host: string): Promise<number> => {
  const session = ` /${current.network.addressOf(host)}:`;
  const listOf = (_: unknown, server: number): Promise<string> => ensemble!.ask(server, 'cons').catch(() => '');
  let found = -1;
  await eventually(`a server has the session of host ${host}`, async () => {
    const lists = await Promise.all(Array.from({ length: ensemble!.size }, listOf));
    found = lists.findIndex((list) => list.includes(session));
    return found >= 0;
  });
  return found;
};

const OTHERS = HOSTS.filter((host) => host !== 'b');
/** Hosts of nothing but ZooKeeper servers. */
const SERVERS = ['x', 'y', 'z'];

const CUTS = {
  'is cut off, also from the folder': {
    cut: (current: FourHosts) => {
      current.takeFolder('b');
      current.network.unplug('b');
    },
    mend: (current: FourHosts) => {
      current.giveFolder('b');
      current.network.plugIn('b');
    },
  },
  'is heard by nobody any more, hears everybody, and sees the folder': {
    cut: (current: FourHosts) => current.network.muteTo('b', OTHERS),
    mend: (current: FourHosts) => current.network.unmuteTo('b', OTHERS),
  },
};

test.each(Object.entries(CUTS))(
  'the host of the leader, of a TaskManager and of a ZooKeeper server %s: another leads, the job goes on, and the host starts clean when it is back',
  async (_, { cut, mend }) => {
    const current = await startHosts(['b', 'c', 'd']);
    const { cluster, work } = current;
    (['taskmanager-b', 'taskmanager-c', 'taskmanager-d'] as const).forEach((name) => current.start(name));
    await current.registered(3);
    const jobId = await startJob(current);
    await current.checkpointed(jobId, 2);
    const before = starts(work);
    cut(current);
    await cluster.until('A leads', () => cluster.leader === 'jobmanager-a');
    await cluster.until('the tasks of B run elsewhere', () => starts(work) > before);
    await current.checkpointed(jobId, 3);
    const registrations = (): number => cluster.said(/TaskManager taskmanager-b .*(registered|is back) with/).length;
    const registered = registrations();
    mend(current);
    await cluster.until('B knows that it leads no more', () =>
      /was revoked leadership/.test(cluster.logOf('jobmanager-b')),
    );
    await cluster.until('the TaskManager of B is back', () => registrations() > registered);
    await ensemble!.serving();
    expect(await current.stopped(jobId)).toMatchObject(EXACT);
    expect(cluster.leader).toBe('jobmanager-a');
    expect(cluster.running).toHaveLength(5);
  },
);

test('the ZooKeeper server that has the session of the leader is cut off, time and again: the same one leads, and no task notices', async () => {
  const current = await startHosts(SERVERS, '4 s');
  const { cluster, network, work } = current;
  (['taskmanager-c', 'taskmanager-d'] as const).forEach((name) => current.start(name));
  await current.registered(2);
  const jobId = await startJob(current);
  await current.checkpointed(jobId, 2);
  for (let round = 1; round <= 3; round++) {
    const host = SERVERS[await serverOf(current, 'b')]!;
    network.unplug(host);
    // The others give it up after a second, the session of the leader would end after four.
    await current.checkpointed(jobId, 8);
    network.plugIn(host);
    await ensemble!.serving();
  }
  expect(leaders()).toEqual([network.addressOf('b')]);
  expect(starts(work)).toBe(4);
  expect(await current.stopped(jobId)).toMatchObject(EXACT);
  expect(cluster.running).toHaveLength(4);
});
