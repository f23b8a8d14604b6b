// `npm run test:model`: searches the model of the protocol (docs/model.md) to its end, and breaks it on purpose.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CHECKS, type Check } from './checks.ts';
import { readSearch, violatedBy } from './pan-output.ts';

const MODEL = fileURLToPath(new URL('takeover.pml', import.meta.url));
const MODEL_NAME = 'takeover.pml';
/** Of `pan`, for what one search remembers. */
const MEMORY_MB = 1_500;
/** Steps of one run; `pan` says when it was not enough. */
const DEPTH = 100_000;
const AT_ONCE = 2;

interface Row {
  readonly name: string;
  readonly kind: Check['kind'];
  readonly ok: boolean;
  readonly states: number;
  readonly seconds: number;
  readonly violated?: string;
  /** What happened before the violation, a line each. */
  readonly trail?: string;
  readonly wrong?: string;
}

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string' },
    trail: { type: 'boolean' },
    keep: { type: 'boolean' },
  },
});

const temporary = mkdtempSync(join(tmpdir(), 'millrace-model-'));
const running = new Set<ReturnType<typeof spawn>>();
const cleanUp = (): void => {
  running.forEach((child) => child.kill('SIGKILL'));
  rmSync(temporary, { recursive: true, force: true });
};
process.on('exit', cleanUp);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => process.exit(1));
}

/** Rejects when it cannot be started; what it prints on both streams otherwise. */
const run = (command: string, args: readonly string[], cwd: string): Promise<{ text: string; code: number | null }> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      running.delete(child);
      resolve({ text, code });
    });
  });

const must = async (command: string, args: readonly string[], cwd: string): Promise<string> => {
  const { text, code } = await run(command, args, cwd);
  if (code !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${text}`);
  }
  return text;
};

/** Every line of the model with an assertion says in a comment what it asserts. */
const model = readFileSync(MODEL, 'utf8').split('\n');

const search = async (check: Check): Promise<Row> => {
  const folder = mkdtempSync(join(temporary, `${check.kind}-`));
  copyFileSync(MODEL, join(folder, MODEL_NAME));
  const defines = check.defines.map((define) => `-D${define}`);
  await must('spin', [...defines, '-a', MODEL_NAME], folder);
  const settings = ['-DSAFETY', '-DCOLLAPSE', '-DVECTORSZ=2048', `-DMEMLIM=${MEMORY_MB}`];
  // Where something is found soon, a slow program that is compiled at once is faster.
  const optimized = check.kind === 'sound' ? '-O2' : '-O0';
  await must('gcc', [optimized, '-w', ...settings, '-o', 'pan', 'pan.c'], folder);
  const started = performance.now();
  const { text } = await run(join(folder, 'pan'), [`-m${DEPTH}`], folder);
  const seconds = (performance.now() - started) / 1000;
  const found = readSearch(text);
  const { name, kind } = check;
  const row = { name, kind, states: found.states, seconds };
  if (found.failure === undefined) {
    const wrong = found.isComplete ? undefined : `the search did not end:\n${text}`;
    return { ...row, ok: kind === 'sound' && found.isComplete, ...(wrong === undefined ? {} : { wrong }) };
  }
  const { text: replay } = await run('spin', ['-t', ...defines, MODEL_NAME], folder);
  const violated = violatedBy(replay, found.failure, model);
  const trail = replay
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^(leader|TaskManager|task|store)\b.*:/.test(line))
    .join('\n');
  return { ...row, ok: isWanted(check, violated), violated, trail };
};

const isWanted = ({ kind, violates }: Check, violated: string): boolean =>
  kind === 'reach' ? violated === 'reached' : kind === 'mutant' && violates?.includes(violated) === true;

const resultOf = ({ kind, violated, ok }: Row, { violates }: Check): string => {
  switch (kind) {
    case 'sound':
      return violated === undefined ? (ok ? 'nothing is violated' : 'DID NOT END') : `VIOLATES ${violated}`;
    case 'reach':
      return ok ? 'reached' : `NOT REACHED${violated === undefined ? '' : `, violates ${violated}`}`;
    case 'mutant':
      return ok
        ? `violates ${violated}`
        : `NOT CAUGHT by ${violates?.join(' or ')}${violated === undefined ? '' : `, but by ${violated}`}`;
  }
};

const print = (row: Row, check: Check): void => {
  const cells = [row.kind.padEnd(6), String(row.states).padStart(9), row.seconds.toFixed(1).padStart(6)];
  console.log(`${row.ok ? 'ok  ' : 'FAIL'}  ${cells.join('  ')}  ${resultOf(row, check).padEnd(19)}  ${check.name}`);
  if (row.kind === 'mutant') {
    console.log(`${' '.repeat(54)}${check.about}`);
  }
  if (row.trail !== undefined && (options.trail === true || (!row.ok && row.kind !== 'reach'))) {
    console.log(row.trail.replaceAll(/^/gm, '      '));
  }
  if (row.wrong !== undefined && row.kind === 'sound') {
    console.log(row.wrong);
  }
};

const missing = ['spin', 'gcc'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
if (missing.length > 0) {
  console.error(`${missing.join(' and ')} cannot be started; the model needs them: apt-get install spin gcc libc6-dev`);
  process.exit(1);
}

const checks = CHECKS.filter(({ name }) => options.only === undefined || name.includes(options.only));
if (checks.length === 0) {
  console.error(`nothing is called '${options.only}'; there is: ${CHECKS.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}
console.log(`${'what'.padStart(10)}  ${'states'.padStart(9)}  ${'s'.padStart(6)}  result`);
const rows: Row[] = [];
const waiting = [...checks];
const work = async (): Promise<void> => {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const row = await search(check);
    rows.push(row);
    print(row, check);
  }
};
await Promise.all(Array.from({ length: AT_ONCE }, work));
if (options.json !== undefined) {
  const order = new Map(checks.map(({ name }, index) => [name, index]));
  rows.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
  writeFileSync(options.json, `${JSON.stringify({ rows }, undefined, 2)}\n`);
}
const failed = rows.filter(({ ok }) => !ok);
console.log(
  failed.length === 0 ? `All ${rows.length} are as wanted.` : `${failed.length} of ${rows.length} are not as wanted.`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
