import { afterEach, expect, test } from 'vitest';
import { starts } from '../chaos/recount.mjs';
import { FourHosts, HOSTS } from './four-hosts.ts';

let hosts: FourHosts | undefined;

afterEach(async () => {
  await hosts?.close();
  hosts = undefined;
});

const EXACT = { repeated: 0, missing: 0, unexpected: 0 };
/** It is stopped before. */
const COUNT = 1_000_000;

/** The leader and a TaskManager share host B; the job needs slots of all TaskManagers but one. */
const startJob = async (): Promise<string> => {
  hosts = new FourHosts({
    'high-availability.embedded.lease-duration': '2 s',
    'heartbeat.interval': '500 ms',
    'heartbeat.timeout': '3 s',
  });
  const { cluster, work } = hosts;
  hosts.start('jobmanager-b');
  await cluster.until('B leads', () => cluster.leader === 'jobmanager-b');
  hosts.start('jobmanager-a');
  for (const name of ['taskmanager-b', 'taskmanager-c', 'taskmanager-d'] as const) {
    hosts.start(name);
  }
  await hosts.registered(3);
  const jobId = await cluster.submit('counted.ts', work, String(COUNT), '10', '4');
  await hosts.checkpointed(jobId, 2);
  return jobId;
};

const OTHERS = HOSTS.filter((host) => host !== 'b');

const CUTS = {
  'is cut off': {
    cut: () => hosts!.network.unplug('b'),
    mend: () => hosts!.network.plugIn('b'),
  },
  'is heard by nobody any more, and hears everybody': {
    cut: () => hosts!.network.muteTo('b', OTHERS),
    mend: () => hosts!.network.unmuteTo('b', OTHERS),
  },
  'hears nobody any more, and is heard by everybody': {
    cut: () => OTHERS.forEach((other) => hosts!.network.muteTo(other, ['b'])),
    mend: () => OTHERS.forEach((other) => hosts!.network.unmuteTo(other, ['b'])),
  },
};

const registrations = (): number => hosts!.cluster.said(/TaskManager taskmanager-b .*(registered|is back) with/).length;

const isExact = async (jobId: string): Promise<void> => {
  expect(await hosts!.stopped(jobId)).toMatchObject(EXACT);
  expect(hosts!.cluster.running).toHaveLength(5);
};

test.each(Object.entries(CUTS))(
  'the host of the leader and of a TaskManager %s: another leads, the job goes on, and the host starts clean when it is back',
  async (_, { cut, mend }) => {
    const jobId = await startJob();
    const { cluster, work } = hosts!;
    const before = starts(work);
    hosts!.takeFolder('b');
    cut();
    await cluster.until('A leads', () => cluster.leader === 'jobmanager-a');
    await cluster.until('the tasks of B run elsewhere', () => starts(work) > before);
    await hosts!.checkpointed(jobId, 3);
    const registered = registrations();
    hosts!.giveFolder('b');
    mend();
    await cluster.until('B knows that it leads no more', () =>
      /was revoked leadership/.test(cluster.logOf('jobmanager-b')),
    );
    await cluster.until('the TaskManager of B is back', () => registrations() > registered);
    await isExact(jobId);
    expect(cluster.leader).toBe('jobmanager-a');
  },
);

test('the host of the leader is cut off and still sees the folder: it goes on leading, the job waits for slots, and goes on', async () => {
  const jobId = await startJob();
  const { cluster, network } = hosts!;
  network.unplug('b');
  await cluster.until('the job waits', () => /waits: it needs \d slots?/.test(cluster.logOf('jobmanager-b')));
  network.plugIn('b');
  await isExact(jobId);
  expect(cluster.leader).toBe('jobmanager-b');
});
