import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StartedCluster } from '../chaos/started-cluster.ts';
import { HostNetwork } from './host-network.ts';

let network: HostNetwork;
let cluster: StartedCluster;

/** One host: its processes share a network, and nothing of this machine's own is touched. */
beforeAll(async () => {
  network = HostNetwork.make(['a']);
  cluster = await StartedCluster.start({
    jobManagers: 2,
    taskManagers: 3,
    configuration: {
      'high-availability.embedded.lease-duration': '2 s',
      'heartbeat.interval': '500 ms',
      'heartbeat.timeout': '3 s',
    },
    through: network.inNetworkOf('a'),
  });
});

afterAll(async () => {
  await cluster?.close();
  network?.close();
});

interface Report {
  readonly verdict: string;
  readonly findings: readonly object[];
  readonly records: Readonly<Record<string, number>>;
  readonly rounds: readonly {
    readonly victim: string;
    readonly takeoverMs: number | null;
    readonly taskRestarts: number;
  }[];
}

const onHost = (...command: readonly string[]): string => {
  const [program, ...args] = [...network.inNetworkOf('a'), ...command];
  return execFileSync(program!, args, { encoding: 'utf8' });
};

const groupOf = (pid: number): string => readFileSync(`/proc/${pid}/cgroup`, 'utf8');

const nothingIsLeft = async (): Promise<void> => {
  expect(onHost('nft', 'list', 'tables').trim()).toBe('');
  expect(existsSync(join(cluster.folder, 'network-cut.json'))).toBe(false);
  expect(readdirSync(join(cluster.folder, 'drill'))).toEqual([]);
  for (const { pid, state } of await cluster.processes()) {
    expect(state).not.toBe('dead');
    expect(groupOf(pid)).not.toContain('millrace_drill');
  }
};

const drill = async (...args: readonly string[]): Promise<Report> => {
  const { code, stdout, stderr } = await cluster.run('drill', '--action', 'cut', '--every', '1s', '--json', ...args);
  expect([code, stderr]).toEqual([0, expect.stringContaining('or with: nft delete table inet millrace_drill_')]);
  const report = JSON.parse(stdout) as Report;
  expect(report.findings).toEqual([]);
  expect(report.records).toMatchObject({ lost: 0, doubled: 0, unexpected: 0, miscounted: 0 });
  expect(report.records['committed']).toBe(report.records['expected']);
  await nothingIsLeft();
  return report;
};

test('a TaskManager that is cut off is given up, its tasks run elsewhere, and it registers again when it is back', async () => {
  const { rounds } = await drill('--kill', 'taskmanager', '--rounds', '2', '--pause-for', '8s');
  expect(rounds.map(({ taskRestarts }) => taskRestarts > 0)).toEqual([true, true]);
  const log = cluster.logOf(rounds[0]!.victim);
  expect(log, 'new connections are cut off too').toMatch(
    /nothing was heard of the leader for \d+ ms[^]*no connection to \S+ within[^]*Registered with the leader/,
  );
  expect(log, 'it was silence').not.toMatch(/ECONN(RESET|REFUSED)/);
  expect(log.match(/Registered with the leader/g)!.length).toBeGreaterThan(1);
});

test('a leader that is cut off and sees the folder goes on leading, gives all TaskManagers up, and starts their tasks anew', async () => {
  const { rounds } = await drill('--kill', 'leader', '--rounds', '1', '--pause-for', '8s');
  expect(rounds).toMatchObject([{ takeoverMs: null }]);
  expect(cluster.logOf(rounds[0]!.victim)).toMatch(/Lost TaskManager \S+: no heartbeat/);
});

test('a standby that is cut off is missed by no task', async () => {
  const { rounds } = await drill('--kill', 'standby', '--rounds', '1', '--pause-for', '4s');
  expect(rounds).toMatchObject([{ takeoverMs: null, taskRestarts: 0 }]);
});

/** A drill that has cut a TaskManager off. */
const cutting = async () => {
  const args = ['--action', 'cut', '--kill', 'taskmanager', '--every', '100ms', '--pause-for', '200s'];
  const process = cluster.start('drill', ...args);
  const victim = await process.until(({ stderr }) => /cut taskmanager \S+ \(pid (?<pid>\d+)\)/.exec(stderr));
  const pid = Number(victim.groups!['pid']);
  await expect.poll(() => groupOf(pid), { timeout: 60_000, interval: 20 }).toContain('millrace_drill');
  await expect
    .poll(() => onHost('nft', 'list', 'tables'), { timeout: 60_000, interval: 20 })
    .toContain('millrace_drill');
  return process;
};

test.each(['SIGINT', 'SIGTERM'] as const)('a drill that is ended by %s ends its cut', async (signal) => {
  const process = await cutting();
  process.kill(signal);
  expect(await process.ended).toMatchObject({ code: signal === 'SIGINT' ? 130 : 143 });
  await nothingIsLeft();
});

test('the cut of a drill that was killed is ended by the next one; while it lives, no other one does so', async () => {
  const process = await cutting();
  const other = await cluster.run('drill', '--kill', 'standby', '--rounds', '1', '--yes');
  expect(other).toMatchObject({ code: 2, stderr: expect.stringMatching(/another drill of this cluster is at work/) });
  process.kill('SIGKILL');
  await process.ended;
  // Its probe job has the slots: this one ends the cut, and then finds nothing to do.
  const next = await cluster.run('drill', '--rounds', '1', '--parallelism', '100');
  expect(next.code).toBe(2);
  expect(next.stderr).toContain('an earlier drill did not live to end a cut; it is ended now');
  expect(onHost('nft', 'list', 'tables').trim()).toBe('');
  expect(existsSync(join(cluster.folder, 'network-cut.json'))).toBe(false);
});

test('--dry-run says what would be done to the network, and does nothing of it', async () => {
  const { code, stdout } = await cluster.run('drill', '--dry-run', '--action', 'cut', '--kill', 'standby');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /To cut off jobmanager-\d, and others likewise, it would do as things stand now:\n +mkdir \S+/,
  );
  expect(stdout).toMatch(/and to end that: nft delete table inet millrace_drill_\w{8}\n/);
  expect(onHost('nft', 'list', 'tables').trim()).toBe('');
});
