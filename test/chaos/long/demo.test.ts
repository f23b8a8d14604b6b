import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processIdentity } from '../../../src/process/local-cluster/process-identity.ts';

const DEMO = fileURLToPath(new URL('../../../examples/demo/demo.ts', import.meta.url));
const LOOK_MS = 50;

let temporary: string;
let demo: ChildProcess;
let output: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'millrace-demo-test-'));
  output = '';
  demo = spawn(process.execPath, [DEMO], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], TMPDIR: temporary },
  });
  for (const stream of [demo.stdout!, demo.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
});

afterEach(async () => {
  if (demo.exitCode === null && demo.kill('SIGTERM')) {
    await once(demo, 'close');
  }
  rmSync(temporary, { recursive: true, force: true });
});

/** The limit of the test ends it, unless the demo does before. */
const shown = async (text: RegExp): Promise<void> => {
  while (!text.test(output)) {
    if (demo.exitCode !== null) {
      throw new Error(`the demo ended before it showed ${String(text)}:\n${output}`);
    }
    await sleep(LOOK_MS);
  }
};

const folder = (): string =>
  join(
    temporary,
    readdirSync(temporary).find((name) => name.startsWith('millrace-demo-'))!,
  );

const pids = (): readonly number[] => {
  const path = join(folder(), 'cluster');
  return readdirSync(path)
    .filter((name) => name.endsWith('.pid'))
    .map((name) => Number(JSON.parse(readFileSync(join(path, name), 'utf8')).pid));
};

const alive = (all: readonly number[]): readonly number[] => all.filter((pid) => processIdentity(pid) !== undefined);

test('the demo is played to its end, and one committed line that is missing is its verdict: exit code 1', async () => {
  await shown(/ leads and has the job, .*; tasks that were started again: 0/);
  const first = pids();
  await shown(/^ +\S+ s {2}\$ millrace cluster start.*\n[^]*\$ millrace cluster start/m);
  const sums = join(folder(), 'sums');
  const [part = ''] = readdirSync(sums)
    .filter((name) => name.startsWith('part-'))
    .toSorted();
  const text = readFileSync(join(sums, part), 'utf8');
  writeFileSync(join(sums, part), text.replace(/^.*\n/, ''));
  await shown(/the job has finished/);
  const last = pids();
  const [code] = await once(demo, 'close');
  expect(output).toMatch(
    /sums expected +(\d+) .*\n +committed .*\n +repeated +0 +repeated +0\n +missing +1 +missing +0\n/,
  );
  expect(output.match(/output again after .*, by taskmanager-\d, from checkpoint [1-9]\d*;/g)).toHaveLength(2);
  expect(output).toContain('NOT exactly once.');
  expect(output).toContain(`its files are kept in ${folder()}`);
  expect(code).toBe(1);
  expect(first.length).toBe(7);
  expect(alive([...first, ...last])).toEqual([]);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends the demo and all that it started', async (signal, exitCode) => {
  await shown(/ 44950/);
  const started = pids();
  expect(alive(started)).toHaveLength(7);
  const path = folder();
  demo.kill(signal);
  const [code] = await once(demo, 'close');
  expect(code).toBe(exitCode);
  expect(alive(started)).toEqual([]);
  expect(existsSync(path)).toBe(false);
});

test('a signal while the cluster is being started leaves no process either', async () => {
  await shown(/\$ millrace cluster start/);
  while (readdirSync(temporary).length === 0 || !existsSync(join(folder(), 'cluster')) || pids().length < 2) {
    await sleep(LOOK_MS);
  }
  const path = folder();
  demo.kill('SIGINT');
  const started = new Set<number>();
  while (demo.exitCode === null) {
    if (existsSync(join(path, 'cluster'))) {
      pids().forEach((pid) => started.add(pid));
    }
    await sleep(LOOK_MS);
  }
  expect(demo.exitCode).toBe(130);
  expect(alive([...started])).toEqual([]);
  expect(existsSync(path)).toBe(false);
});
