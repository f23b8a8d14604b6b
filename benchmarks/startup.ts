// From the start of `millrace run` to the first record in the sink: the median of 10, with the parts as they are seen
// from outside. Standalone: `node benchmarks/startup.ts [runs]`.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MILLRACE = join(ROOT, 'bin/millrace.js');
const LIMIT_MS = 1_000;

const JOB = `
import { job } from 'millrace';
import { sequence } from 'millrace/connectors/generator';

export default job('first-record', (env) => {
  env.enableCheckpointing({ interval: '1s' });
  env.from(sequence({ from: 0, to: 99 })).keyBy((x) => String(x % 10)).sum().print();
});
`;

export interface StartupTimes {
  /** The job is planned and checked: \`Job has been submitted\`. */
  readonly submittedMs: number;
  readonly firstRecordMs: number;
  readonly endedMs: number;
}

/** A project as a user has one: with TypeScript, so that types are checked beside the start. */
const makeProject = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-startup-'));
  writeFileSync(join(folder, 'job.ts'), JOB);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(ROOT, 'node_modules/typescript'), join(folder, 'node_modules/typescript'));
  symlinkSync(ROOT, join(folder, 'node_modules/millrace'));
  return folder;
};

const runOnce = (folder: string, options: readonly string[]): Promise<StartupTimes> =>
  new Promise((resolve, reject) => {
    const startMs = performance.now();
    const passed = (): number => performance.now() - startMs;
    const child = spawn(process.execPath, [MILLRACE, 'run', ...options, 'job.ts'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let submittedMs = Number.NaN;
    let firstRecordMs = Number.NaN;
    let messages = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      messages += text;
      if (Number.isNaN(submittedMs) && messages.includes('Job has been submitted')) {
        submittedMs = passed();
      }
    });
    child.stdout.once('data', () => {
      firstRecordMs = passed();
    });
    child.stdout.resume();
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) {
        resolve({ submittedMs, firstRecordMs, endedMs: passed() });
      } else {
        reject(new Error(`the job failed:\n${messages}`));
      }
    });
  });

const timeOf = (args: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const startMs = performance.now();
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    child.on('error', reject);
    child.on('close', () => resolve(performance.now() - startMs));
  });

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

const several = async <T>(runs: number, run: () => Promise<T>): Promise<T[]> => {
  const results: T[] = [];
  for (let index = 0; index < runs; index++) {
    results.push(await run());
  }
  return results;
};

/** Prints the figures; resolves to the median in ms of the time to the first record. */
export const benchmarkStartup = async (runs = 10): Promise<number> => {
  const folder = makeProject();
  try {
    await runOnce(folder, []);
    const bare = median(await several(runs, () => timeOf(['-e', '0'])));
    const loaded = median(await several(runs, () => timeOf([MILLRACE, '--version'])));
    const unchecked = await several(runs, () => runOnce(folder, ['--no-check']));
    const checked = await several(runs, () => runOnce(folder, []));
    const submitted = median(checked.map(({ submittedMs }) => submittedMs));
    const first = median(checked.map(({ firstRecordMs }) => firstRecordMs));
    const rows: readonly (readonly [string, number, string])[] = [
      ['node alone', bare, ''],
      ['millrace --version', loaded, ''],
      ['job submitted', submitted, 'bundled, planned, places checked'],
      ['first record in the sink', first, `at most ${LIMIT_MS} ms wanted`],
      ['  without type check', median(unchecked.map(({ firstRecordMs }) => firstRecordMs)), ''],
      ['end of the process', median(checked.map(({ endedMs }) => endedMs)), 'with the type check'],
      ['  without type check', median(unchecked.map(({ endedMs }) => endedMs)), ''],
    ];
    process.stdout.write(`startup of millrace run, median of ${runs}\n`);
    for (const [name, ms, note] of rows) {
      process.stdout.write(`  ${name.padEnd(26)}${ms.toFixed(0).padStart(6)} ms  ${note}`.trimEnd() + '\n');
    }
    return first;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const runs = Number(process.argv.slice(2).find((arg) => /^\d+$/.test(arg)) ?? 10);
  const first = await benchmarkStartup(runs);
  process.exitCode = first <= LIMIT_MS ? 0 : 1;
}
