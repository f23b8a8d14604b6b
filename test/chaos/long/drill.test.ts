import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StartedCluster } from '../started-cluster.ts';

let cluster: StartedCluster;

beforeAll(async () => {
  cluster = await StartedCluster.start({ jobManagers: 2, taskManagers: 2 });
});

afterAll(async () => {
  await cluster?.close();
});

interface Report {
  readonly verdict: string;
  readonly findings: readonly { readonly kind: string }[];
  readonly records: Readonly<Record<string, number>>;
  readonly rounds: readonly { readonly role: string; readonly victim: string; readonly taskRestarts: number }[];
}

const runningJobs = async (): Promise<string> => (await cluster.run('list', '--target', 'remote')).stdout;

test('what a drill cannot do ends with 2, and neither that nor --dry-run touches anything', async () => {
  const before = await cluster.processes();
  expect(before.length).toBe(4);
  for (const [args, message] of [
    [['--kill', 'everybody'], /--kill is 'everybody'; allowed: leader/],
    [['--action', 'unplug'], /--action is 'unplug'; allowed: kill, pause, cut, random/],
    [['--rounds', 'many'], /--rounds is 'many'; allowed: a whole number/],
    [['--parallelism', '9'], /the probe job needs 9 free slots, and the cluster has 2/],
    [['--run-dir', join(cluster.home, 'elsewhere')], /cannot touch others: run it where they run/],
    [['--no-such-option'], /unknown option/],
  ] as const) {
    const { code, stderr } = await cluster.run('drill', ...args);
    expect([args.join(' '), code]).toEqual([args.join(' '), 2]);
    expect(stderr).toMatch(message);
  }
  const { code, stdout } = await cluster.run('drill', '--dry-run', '--kill', 'leader', '--rounds', '2', '--seed', '7');
  expect(code).toBe(0);
  const leads = before.find(({ state }) => state.startsWith('alive,'));
  expect(stdout).toMatch(/Nothing is done\./);
  expect(stdout).toMatch(/round 2 +SIGKILL +leader +now jobmanager-\d/);
  expect(leads).toBeDefined();
  expect(await cluster.processes()).toEqual(before);
  expect(await runningJobs()).toMatch(/no jobs/);
});

test('a drill of the leader and a TaskManager loses nothing, and leaves nothing behind', async () => {
  // The seed draws one of each.
  const args = ['--rounds', '2', '--every', '1s', '--seed', '1', '--checkpoint-interval', '500ms', '--json'];
  const { code, stdout, stderr } = await cluster.run('drill', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('round 2') });
  const report = JSON.parse(stdout) as Report;
  expect(report.rounds.map(({ role }) => role)).toEqual(['leader', 'taskmanager']);
  expect(report.verdict).toBe('green');
  expect(report.records).toMatchObject({ lost: 0, doubled: 0, unexpected: 0, miscounted: 0 });
  expect(report.records['committed']).toBe(report.records['expected']);
  expect(report.rounds.map(({ taskRestarts }) => taskRestarts > 0)).toEqual([false, true]);
  expect((await cluster.processes()).filter(({ state }) => state === 'dead')).toEqual([]);
  expect(await runningJobs()).toMatch(/no jobs/);
  expect(readdirSync(join(cluster.folder, 'drill'))).toEqual([]);
});

test('a drill that is interrupted wakes whom it stopped, cancels its job and removes its files', async () => {
  const drill = cluster.start('drill', '--kill', 'taskmanager', '--action', 'pause', '--every', '100ms');
  const victim = await drill.until(({ stderr }) => /round 1: pause taskmanager \S+ \(pid (?<pid>\d+)\)/.exec(stderr));
  const pid = victim.groups!['pid']!;
  const { code } = await interrupted(drill, pid);
  expect(code).toBe(130);
  expect(stateOf(pid), 'it is not stopped').not.toBe('T');
  expect(await runningJobs()).toMatch(/no jobs/);
  expect(readdirSync(join(cluster.folder, 'drill'))).toEqual([]);
});

/** Ctrl-C, once the process is stopped. */
const interrupted = async (drill: ReturnType<StartedCluster['start']>, pid: string) => {
  await expect.poll(() => stateOf(pid), { timeout: 60_000, interval: 20 }).toBe('T');
  drill.kill('SIGINT');
  return drill.ended;
};

const stateOf = (pid: string): string | undefined =>
  execFileSync('ps', ['-o', 'state=', '-p', pid], { encoding: 'utf8' }).trim()[0];
