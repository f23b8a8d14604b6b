import { expect, test } from 'vitest';
import type { ClusterProcess, ClusterStart, LocalCluster } from '../local-cluster.ts';
import { run, type Ran } from './test-support/run-cli.ts';

const server = (number: number, changes: Partial<ClusterProcess> = {}): ClusterProcess => ({
  name: `zookeeper-${number}`,
  kind: 'zookeeper',
  pid: 70 + number,
  isAlive: true,
  restPort: undefined,
  clientPort: 2180 + number,
  restarts: 0,
  log: `/logs/zookeeper-${number}.log`,
  ...changes,
});

const withCluster = (args: readonly string[], changes: Partial<LocalCluster>): Promise<Ran> =>
  run(args, {
    openLocalCluster: () =>
      Promise.resolve({
        folder: '/run',
        settings: () => Promise.resolve({ 'high-availability.type': 'zookeeper' }),
        processes: () => Promise.resolve([server(1), server(2), server(3, { isAlive: false })]),
        troubles: () => Promise.resolve([]),
        ...changes,
      } as LocalCluster),
  });

const start = async (...args: string[]): Promise<Ran & { readonly asked: (number | undefined)[] }> => {
  const asked: (number | undefined)[] = [];
  const ran = await withCluster(['cluster', 'start', ...args], {
    start: (request: ClusterStart) => {
      asked.push(request.zooKeeperServers);
      return Promise.resolve();
    },
  });
  return { ...ran, asked };
};

test('an ensemble is started where it is asked for', async () => {
  expect((await start()).asked).toEqual([undefined]);
  const { code, asked, stdout, stderr } = await start('--zookeeper', '3');
  expect([code, asked, stderr]).toEqual([0, [3], '']);
  expect(stdout).toContain('zookeeper-1 (pid 71) client port 2181\n');
});

test('an even number is warned of, and more than five are refused', async () => {
  for (const [servers, lost] of [
    [2, 0],
    [4, 1],
  ] as const) {
    const { code, asked, stderr } = await start('--zookeeper', String(servers));
    expect([code, asked]).toEqual([0, [servers]]);
    expect(stderr).toContain(`bears no more failures (${lost}) than ${servers - 1}`);
  }
  for (const wrong of ['0', '6', '-1', '3x', '33', '']) {
    const { code, asked, stderr } = await start('--zookeeper', wrong);
    expect([wrong, code, asked]).toEqual([wrong, 1, []]);
    expect(stderr).toContain(`--zookeeper is '${wrong}'; allowed: 1 to 5 servers`);
  }
});

test('the status says what each server is', async () => {
  const { code, stdout } = await withCluster(['cluster', 'status'], {
    zooKeeperModes: () =>
      Promise.resolve(
        new Map([
          ['zookeeper-1', 'leader'],
          ['zookeeper-2', 'not-serving'],
          ['zookeeper-3', 'unreachable'],
        ]),
      ),
    settings: () => Promise.resolve({ 'high-availability.type': 'embedded' }),
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^zookeeper-1 +71 +alive, leader +0 +\/logs\/zookeeper-1\.log$/m);
  expect(stdout).toMatch(/^zookeeper-2 +72 +alive, not-serving +0 /m);
  expect(stdout).toMatch(/^zookeeper-3 +73 +dead +0 /m);
});
