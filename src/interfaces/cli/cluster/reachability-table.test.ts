import { expect, test } from 'vitest';
import type { ProbeOutcome, ProbeTarget, ReachableProcess } from '../../../runtime/protocol/reachability.ts';
import { checksOf, reachabilityTable } from './reachability-table.ts';

const rest = (address: string, instanceId = 'jm'): ProbeTarget => ({ port: 'rest', address, instanceId });
const rpc = (address: string, instanceId: string): ProbeTarget => ({ port: 'rpc', address, instanceId });
const data = (address: string, instanceId: string, thread: number): ProbeTarget => ({
  port: 'data',
  address,
  instanceId,
  thread,
});

const jobManager = (network = 'b', ...ports: ProbeTarget[]): ReachableProcess => ({
  name: '10.0.0.2:6123',
  role: 'jobmanager',
  instanceId: 'jm',
  network,
  ports,
});
const taskManager = (network = 'c', ...ports: ProbeTarget[]): ReachableProcess => ({
  name: 'tm-1',
  role: 'taskmanager',
  instanceId: 'tm',
  network,
  ports,
});

const resultOf = (
  target: ProbeTarget,
  outcome: ProbeOutcome,
  ends: { readonly from?: string; readonly to?: ReachableProcess } = {},
): string => {
  const to = ends.to ?? (target.instanceId === 'jm' ? jobManager() : taskManager());
  const check = { from: 'here', network: ends.from ?? 'a', tried: [{ target, outcome }] };
  return reachabilityTable([to], [check]).rows[0]?.at(-1) ?? '';
};

test('what is reached is ok; anything else is counted, with why', () => {
  const processes = [jobManager('b', rest('http://10.0.0.2:8081'))];
  const tried = [
    { target: rest('http://10.0.0.2:8081'), outcome: {} },
    { target: rpc('10.0.0.2:6123', 'jm'), outcome: { problem: 'refused', detail: 'connect ECONNREFUSED' } as const },
  ];
  expect(reachabilityTable(processes, [{ from: 'this host', network: 'a', tried }])).toEqual({
    rows: [
      ['this host', 'jobmanager 10.0.0.2:6123', 'rest', 'http://10.0.0.2:8081', 'ok'],
      ['this host', 'jobmanager 10.0.0.2:6123', 'rpc', '10.0.0.2:6123', 'refused: nothing listens there'],
    ],
    problems: 1,
  });
});

test('says what is wrong, and what the reason adds to it', () => {
  const target = rpc('10.0.0.3:1', 'tm');
  expect(resultOf(target, { problem: 'timeout', detail: 'x' })).toMatch(/^no answer: a firewall/);
  expect(resultOf(target, { problem: 'tls', detail: 'no certificate' })).toBe('TLS refused: no certificate');
  expect(resultOf(target, { problem: 'other-cluster', detail: 'it belongs to x' })).toBe(
    'another cluster: it belongs to x',
  );
  expect(resultOf(rpc('nowhere:1', 'tm'), { problem: 'unknown-host' })).toBe('the name nowhere is not known');
});

test('an address that means something else on other hosts is told, whoever answers there', () => {
  expect(resultOf(rpc('127.0.0.1:6123', 'jm'), {})).toMatch(/loopback.*jobmanager\.rpc\.address/);
  expect(resultOf(rpc('[::1]:6123', 'tm'), { problem: 'refused' })).toMatch(/loopback.*taskmanager\.host/);
  expect(resultOf(rest('https://localhost:8081'), {})).toMatch(/loopback.*rest\.address/);
  expect(resultOf(rest('http://0.0.0.0:8081'), {})).toMatch(/0\.0\.0\.0.*rest\.address/);
  expect(resultOf(rpc('127.0.0.1:6123', 'jm'), {}, { from: 'b' })).toBe('ok');
  expect(resultOf(rpc('127.0.0.1:6123', 'jm'), { problem: 'refused' }, { from: 'b' })).toMatch(/^refused/);
});

test('data ports of a process share a line where the result is the same', () => {
  const ports = [0, 1, 2].map((thread) => data(`10.0.0.3:${thread + 1}`, 'tm', thread));
  const tried = ports.map((target, index) => ({
    target,
    outcome: index === 1 ? ({ problem: 'refused' } as const) : {},
  }));
  const { rows, problems } = reachabilityTable([taskManager('c', ...ports)], [{ from: 'x', network: 'a', tried }]);
  expect(rows.map((row) => row.slice(2))).toEqual([
    ['data', '10.0.0.3:1 and 1 more', 'ok'],
    ['data', '10.0.0.3:2', 'refused: nothing listens there'],
  ]);
  expect(problems).toBe(1);
});

test('a process that cannot be asked counts', () => {
  const checks = checksOf({ processes: [taskManager()], checks: [{ from: 'tm', failure: 'it is gone', tried: [] }] });
  expect(reachabilityTable([taskManager()], checks)).toEqual({
    rows: [['taskmanager tm-1', '-', '-', '-', 'it cannot be asked: it is gone']],
    problems: 1,
  });
});
