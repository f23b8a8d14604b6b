import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { reportJson, reportLines, spreadOf, type DrillReport } from './report.ts';
import { repeatedCheckpointIds } from './trigger-log.ts';

test('percentiles are values that were measured', () => {
  expect(spreadOf([])).toBeUndefined();
  expect(spreadOf([5])).toEqual({ count: 1, p50: 5, p99: 5, max: 5 });
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(spreadOf(hundred)).toEqual({ count: 100, p50: 50, p99: 99, max: 100 });
});

const round = (number: number, role: 'leader' | 'taskmanager', takeoverMs: number | undefined) => ({
  round: number,
  action: 'kill' as const,
  role,
  victim: `${role}-${number}`,
  atMs: 1000 * number,
  untilMs: 1000 * number + 999,
  takeoverMs,
  nextCheckpointMs: 400,
});

const report = (changes: Partial<DrillReport> = {}): DrillReport => ({
  request: {
    victim: 'random',
    actions: ['kill'],
    rounds: 2,
    everyMs: 1000,
    pauseMs: 1000,
    seed: 12,
    checkpointIntervalMs: 500,
    recoveryMs: 60_000,
    parallelism: undefined,
  },
  clusterFolder: '/run',
  parallelism: 2,
  rounds: [round(1, 'leader', 80), round(2, 'taskmanager', undefined)],
  verdict: {
    records: { expected: 10, committed: 10, lost: 0, doubled: 0, unexpected: 0, miscounted: 0 },
    quiet: { emitGapMs: 20, commitGapMs: 510 },
    rounds: [
      { round: 1, emitGapMs: 21, commitGapMs: 600, taskStarts: 0 },
      { round: 2, emitGapMs: 700, commitGapMs: 900, taskStarts: 6 },
    ],
    findings: [],
  },
  findings: [],
  keptIn: undefined,
  ...changes,
});

test('rounds of one kind are shown together, those of another apart', () => {
  const lines = reportLines(report());
  expect(lines.filter((line) => line.startsWith('leader killed')).map((line) => line.split(/ {2,}/).slice(1))).toEqual([
    ['1', 'takeover', '80 ms', '80 ms', '80 ms'],
    ['1', 'next checkpoint', '400 ms', '400 ms', '400 ms'],
    ['1', 'emit gap', '21 ms', '21 ms', '21 ms'],
    ['1', 'commit gap', '600 ms', '600 ms', '600 ms'],
    ['1', 'task restarts', '0', '0', '0'],
  ]);
  expect(lines.some((line) => /^taskmanager killed .* takeover/.test(line))).toBe(false);
  expect(lines.at(-1)).toBe('Verdict: green');
  expect(reportJson(report())).toMatchObject({
    verdict: 'green',
    seed: 12,
    figures: { 'taskmanager killed': { 'task restarts': { max: 6 } } },
    rounds: [{ victim: 'leader-1', takeoverMs: 80 }, { takeoverMs: null }],
  });
});

test('one finding turns it red, and its files are named', () => {
  const red = report({ findings: [{ kind: 'lost', text: '1 records are lost: 3 7' }], keptIn: '/run/drill/x' });
  expect(reportLines(red).slice(-3)).toEqual([
    'FINDING lost: 1 records are lost: 3 7',
    'Verdict: RED, 1 findings',
    'The files of the drill are kept in /run/drill/x',
  ]);
  expect(reportJson(red)).toMatchObject({ verdict: 'red', files: '/run/drill/x' });
});

test('an id of a checkpoint that two leaders triggered is found in their logs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-drill-'));
  try {
    const line = (id: number, job: string): string =>
      `INFO  Triggering checkpoint ${id} (type=CHECKPOINT) @ 1 for job ${job}.\n`;
    const logs = ['a', 'b'].map((name) => ({ log: join(folder, name) }));
    await writeFile(logs[0]!.log, line(1, 'mine') + line(2, 'mine'));
    await writeFile(logs[1]!.log, line(2, 'another') + line(3, 'mine'));
    expect(await repeatedCheckpointIds(logs, 'mine')).toEqual([]);
    await writeFile(logs[1]!.log, line(2, 'mine') + line(3, 'mine'));
    expect(await repeatedCheckpointIds(logs, 'mine')).toEqual([
      { kind: 'checkpoint-id', text: 'ids of checkpoints were used again: 2' },
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
