import { afterEach, expect, test } from 'vitest';
import { FourHosts } from './four-hosts.ts';

let hosts: FourHosts | undefined;

afterEach(async () => {
  await hosts?.close();
  hosts = undefined;
});

const startAll = async (): Promise<FourHosts> => {
  hosts = new FourHosts();
  hosts.start('jobmanager-b');
  await hosts.cluster.until('B leads', () => hosts!.cluster.leader === 'jobmanager-b');
  hosts.start('jobmanager-a');
  hosts.start('taskmanager-c');
  hosts.start('taskmanager-d');
  await hosts.registered(2);
  await hosts.cluster.until('A is a standby', () => /Standby: waiting/.test(hosts!.cluster.logOf('jobmanager-a')));
  return hosts;
};

test('all is reached; then a way between two hosts is lost, and the check names it and both ends', async () => {
  const { cluster, network } = await startAll();
  const whole = await cluster.run('hosts check');
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  const lines = whole.stdout.trim().split('\n');
  expect(lines[0]).toMatch(/^From +To +Port +Address +Result$/);
  for (const port of ['rpc', 'rest', 'data']) {
    expect(lines.some((line) => line.startsWith('this host') && line.includes(` ${port} `))).toBe(true);
  }
  expect(whole.stdout).toMatch(/^taskmanager taskmanager-c +taskmanager taskmanager-d +data +10\.231\.7\.4:\d+ .*ok$/m);
  expect(whole.stdout).toMatch(/^jobmanager 10\.231\.7\.1:6123 +jobmanager 10\.231\.7\.2:6123 +rest .*ok$/m);

  network.muteTo('c', ['d']);
  const broken = await cluster.run('hosts check');
  network.unmuteTo('c', ['d']);
  expect(broken.code).toBe(1);
  const bad = broken.stdout
    .trim()
    .split('\n')
    .slice(1)
    .filter((line) => !line.endsWith(' ok'));
  expect(bad.map((line) => line.replaceAll(/ +/g, ' ')).toSorted()).toEqual([
    expect.stringMatching(
      /^taskmanager taskmanager-c taskmanager taskmanager-d data 10\.231\.7\.4:\S+ .*no answer: a firewall/,
    ),
    expect.stringMatching(
      /^taskmanager taskmanager-d taskmanager taskmanager-c data 10\.231\.7\.3:\S+ .*no answer: a firewall/,
    ),
  ]);
});

test('a TaskManager that gives others a loopback address, and a leader that nobody else reaches', async () => {
  const { cluster, network } = await startAll();
  await cluster.kill('taskmanager-d', 'SIGTERM');
  hosts!.start('taskmanager-d', { 'taskmanager.bind-host': '0.0.0.0', 'taskmanager.host': '127.0.0.1' });
  await cluster.until('D is back', () => /Registered with/.test(cluster.logOf('taskmanager-d')));
  const loopback = await cluster.run('hosts check');
  expect(loopback.code).toBe(1);
  expect(loopback.stdout).toMatch(
    /^taskmanager taskmanager-c +taskmanager taskmanager-d +data +127\.0\.0\.1:.*loopback, and it is on another host; set taskmanager\.host$/m,
  );

  network.unplug('b');
  const cut = await cluster.run('hosts check', '-D', 'rest.connection-timeout=2 s');
  network.plugIn('b');
  expect(cut.code).toBe(1);
  expect(cut.stdout).toMatch(/^this host +jobmanager 10\.231\.7\.2:6123 +rpc .*(no answer|no way there)/m);
  expect(cut.stderr).toContain('cannot be asked what its processes reach');
});
