import { expect, test } from 'vitest';
import { seededRandom } from '../../../foundation/common/random.ts';
import type { ClusterProcess } from '../local-cluster.ts';
import { chooseVictim, drillField, planRounds, rolesOf } from './drill-plan.ts';
import { drillRequest, type DrillFlags } from './drill-request.ts';

const flags: DrillFlags = {
  kill: 'random',
  action: 'kill',
  rounds: '200',
  every: '5s',
  pauseFor: '10s',
  checkpointInterval: '1s',
  timeout: '60s',
};

const request = (changes: Partial<DrillFlags> = {}) => drillRequest({ ...flags, ...changes }, () => 42);

const processOf = (name: string, changes: Partial<ClusterProcess> = {}): ClusterProcess => ({
  name,
  kind: name.startsWith('job') ? 'jobmanager' : name.startsWith('task') ? 'taskmanager' : 'supervisor',
  pid: 1,
  isAlive: true,
  restPort: undefined,
  restarts: 0,
  log: '',
  ...changes,
});

const ALL = drillField(
  ['jobmanager-1', 'jobmanager-2', 'taskmanager-1', 'taskmanager-2', 'supervisor'].map((name, index) =>
    processOf(name, { pid: index + 1 }),
  ),
);

test('the same seed draws the same rounds, and every role comes up', () => {
  const rounds = (seed: number) => planRounds(request(), rolesOf(request(), ALL), seededRandom(seed));
  expect(rounds(7)).toEqual(rounds(7));
  expect(rounds(7)).not.toEqual(rounds(8));
  expect(new Set(rounds(7).map(({ role }) => role))).toEqual(new Set(['leader', 'standby', 'taskmanager']));
});

test('with random actions each of them comes up', () => {
  const rounds = (action: string) => planRounds(request({ action }), ['leader'], seededRandom(7));
  expect(new Set(rounds('random').map(({ action }) => action))).toEqual(new Set(['kill', 'pause', 'cut']));
  expect(new Set(rounds('cut').map(({ action }) => action))).toEqual(new Set(['cut']));
});

test('only roles that the cluster has are drawn; the supervisor has none', () => {
  const alone = drillField([processOf('jobmanager-1'), processOf('taskmanager-1'), processOf('supervisor')]);
  expect(rolesOf(request({ kill: 'random' }), alone)).toEqual(['leader', 'taskmanager']);
  expect(rolesOf(request({ kill: 'jobmanager' }), alone)).toEqual(['leader']);
  expect(rolesOf(request({ kill: 'standby' }), alone)).toEqual([]);
  expect(rolesOf(request({ kill: 'jobmanager' }), ALL)).toEqual(['leader', 'standby']);
});

test('a victim has its role, lives, and runs the probe where one does', () => {
  const choose = (role: 'leader' | 'standby' | 'taskmanager', field = ALL, busy: readonly number[] = []) =>
    Array.from({ length: 30 }, (_, seed) =>
      chooseVictim(role, { field, leader: 'jobmanager-2', busyPids: new Set(busy) }, seededRandom(seed)),
    );
  expect(new Set(choose('leader').map((each) => each?.name))).toEqual(new Set(['jobmanager-2']));
  expect(new Set(choose('standby').map((each) => each?.name))).toEqual(new Set(['jobmanager-1']));
  expect(new Set(choose('taskmanager').map((each) => each?.name))).toEqual(new Set(['taskmanager-1', 'taskmanager-2']));
  expect(new Set(choose('taskmanager', ALL, [4]).map((each) => each?.name))).toEqual(new Set(['taskmanager-2']));
  const dead = drillField([processOf('jobmanager-2', { isAlive: false }), processOf('taskmanager-1')]);
  expect(choose('leader', dead)[0]).toBeUndefined();
});

test('a request says what is wrong with it', () => {
  expect(request().seed).toBe(42);
  expect(request({ seed: '3' }).seed).toBe(3);
  for (const [changes, message] of [
    [{ kill: 'all' }, /--kill is 'all'; allowed: leader, standby, jobmanager, taskmanager, random/],
    [{ action: 'unplug' }, /--action is 'unplug'; allowed: kill, pause, cut, random/],
    [{ rounds: '-1' }, /--rounds is '-1'; allowed: a whole number from 1/],
    [{ every: '5 apples' }, /--every is "5 apples"/],
    [{ timeout: '0s' }, /--timeout is '0s'; allowed: from 100 ms on/],
    [{ seed: '4294967296' }, /--seed/],
    [{ parallelism: '0' }, /--parallelism is '0'/],
  ] as const) {
    expect(() => request(changes)).toThrow(message);
  }
});
