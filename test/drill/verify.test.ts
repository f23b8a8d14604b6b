import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const VERIFIER = fileURLToPath(new URL('../../drill/verify.mjs', import.meta.url));
const START_MS = 1_700_000_000_000;
const EARLY = 100;
const ENDED = 37;

let folder: string;

/** What a probe of two splits leaves, the second one told to end: committed in two files of one subtask. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-verify-'));
  for (const part of ['committed', 'emitted', 'ends']) {
    mkdirSync(join(folder, part));
  }
  const counts = new Map<number, number>();
  const records = [
    ...Array.from({ length: EARLY }, (_, index) => ['early', index] as const),
    ...Array.from({ length: 50 }, (_, index) => ['0', index] as const),
    ...Array.from({ length: ENDED }, (_, index) => ['1', index] as const),
  ];
  const lines = records.map(([split, index], place) => {
    const key = index % 16;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return `${split} ${index} ${key} ${counts.get(key)} ${START_MS + place}`;
  });
  writeFileSync(join(folder, 'committed', 'part-0-0000000000'), `${lines.slice(0, 80).join('\n')}\n`);
  writeFileSync(join(folder, 'committed', 'part-0-0000000001'), `${lines.slice(80).join('\n')}\n`);
  writeFileSync(join(folder, 'ends', '1'), String(ENDED));
  writeFileSync(join(folder, 'opens.log'), `${START_MS} counting 0 1\n${START_MS + 5_500} counting 0 2\n`);
  writeFileSync(
    join(folder, 'emitted', '0-1.1-1'),
    `0 0 ${START_MS + 100}\n0 1 ${START_MS + 140}\n0 2 ${START_MS + 5_000}\n0 3 17000`,
  );
  // The second attempt repeats two records: no progress until the third.
  writeFileSync(
    join(folder, 'emitted', '0-2.1-2'),
    `0 1 ${START_MS + 5_600}\n0 2 ${START_MS + 5_610}\n0 3 ${START_MS + 5_700}\n`,
  );
  record({});
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const record = (changes: object): void =>
  writeFileSync(
    join(folder, 'drill.json'),
    JSON.stringify({
      splits: 2,
      recordsPerSplit: 50,
      endlessSplits: 1,
      earlyRecords: EARLY,
      isFinished: true,
      quiet: { fromMs: START_MS, untilMs: START_MS + 1_000 },
      rounds: [{ round: 1, atMs: START_MS + 5_100, untilMs: START_MS + 9_000, spares: 'nothing' }],
      ...changes,
    }),
  );

const verify = () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [VERIFIER, folder], { encoding: 'utf8' });
  return { status, stderr, verdict: stdout === '' ? undefined : JSON.parse(stdout) };
};

const part = (number: number): string => join(folder, 'committed', `part-0-000000000${number}`);

const change = (number: number, edit: (lines: string[]) => string[]): void =>
  writeFileSync(part(number), edit(readFileSync(part(number), 'utf8').split('\n')).join('\n'));

describe('the verifier of a drill', () => {
  test('imports nothing of Millrace', () => {
    const imports = readFileSync(VERIFIER, 'utf8').match(/(?:from|import)\s*\(?\s*['"][^'"]+/g) ?? [];
    expect(imports.map((each) => each.replace(/.*['"]/, '')).filter((name) => !name.startsWith('node:'))).toEqual([]);
  });

  test('finds nothing where all is well, and measures what is new only', () => {
    const { status, verdict } = verify();
    expect(verdict).toMatchObject({
      records: { expected: 187, committed: 187, lost: 0, doubled: 0, unexpected: 0, miscounted: 0 },
      quiet: { emitGapMs: 40 },
      rounds: [{ round: 1, emitGapMs: 700, taskStarts: 1 }],
      findings: [],
    });
    expect(status).toBe(0);
  });

  test.for<readonly [what: string, kinds: readonly string[], damage: () => void]>([
    ['a line is missing', ['lost', 'miscounted'], () => change(1, (lines) => lines.toSpliced(3, 1))],
    ['a line is there twice', ['doubled', 'miscounted'], () => change(1, (lines) => [lines[4]!, ...lines])],
    ['a file is missing', ['lost', 'miscounted'], () => unlinkSync(part(0))],
    [
      'a file was never committed',
      ['lost', 'left-over'],
      () => renameSync(part(1), join(folder, 'committed', '.part-x.pending')),
    ],
    [
      'a count is wrong',
      ['miscounted'],
      () => change(0, (lines) => [lines[0]!.replace(' 1 1', ' 2 1'), ...lines.slice(1)]),
    ],
    ['a line is none of the job', ['unexpected'], () => appendFileSync(part(0), 'nonsense\n')],
    ['a record is behind the end', ['unexpected'], () => writeFileSync(join(folder, 'ends', '1'), String(ENDED - 1))],
    ['a record is before the end', ['lost'], () => writeFileSync(join(folder, 'ends', '1'), String(ENDED + 1))],
    [
      'a leader was killed and tasks started anew',
      ['restarted'],
      () => record({ rounds: [{ round: 1, atMs: START_MS + 5_100, untilMs: START_MS + 9_000, spares: 'tasks' }] }),
    ],
  ])('%s', ([, kinds, damage]) => {
    damage();
    const { status, verdict } = verify();
    expect(verdict.findings.map(({ kind }: { kind: string }) => kind)).toEqual(kinds);
    expect(status).toBe(1);
  });

  test('a hidden file of an attempt that is over may be left where TaskManagers were paused, and only there', () => {
    const hidden = (generation: string): void =>
      writeFileSync(join(folder, 'committed', `.part-job-sink-0-${generation}-4.pending`), 'x');
    hidden('1.1');
    expect(verify().verdict.findings).toMatchObject([{ kind: 'left-over' }]);
    record({ pausedTasks: true });
    expect(verify()).toMatchObject({ status: 0, verdict: { findings: [] } });
    hidden('2.1');
    expect(verify().verdict.findings).toMatchObject([
      { kind: 'left-over', text: expect.stringContaining('.part-job-sink-0-2.1-4') },
    ]);
  });

  test('of a job that was not let finish only what is missing within its output is lost', () => {
    change(1, (lines) => lines.slice(0, 50));
    record({ isFinished: false });
    expect(verify()).toMatchObject({ status: 0, verdict: { records: { lost: 0 } } });
    change(1, (lines) => lines.toSpliced(10, 1));
    expect(verify()).toMatchObject({ status: 1, verdict: { records: { lost: 1 } } });
  });

  test('does not judge a folder that is none of a drill', () => {
    unlinkSync(join(folder, 'drill.json'));
    expect(verify()).toMatchObject({ status: 2, stderr: expect.stringContaining('is not the folder of a drill') });
  });
});
