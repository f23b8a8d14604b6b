import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nameUnnamedProcess } from './unnamed-process.ts';

const MODULE = new URL('unnamed-process.ts', import.meta.url).href;
const HOST = hostname();
const LONG_AGO = new Date(2001, 0);

let folder: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-names-'));
  children = [];
});

afterEach(() => {
  children.forEach((child) => child.kill('SIGKILL'));
  rmSync(folder, { recursive: true, force: true });
});

interface Named {
  readonly name: string;
  readonly end: (signal?: 'SIGKILL') => Promise<void>;
}

/** A process that has a name, and ends when it is told to. */
const start = async (): Promise<Named> => {
  const code = `const { nameUnnamedProcess } = await import(${JSON.stringify(MODULE)});
    console.log(nameUnnamedProcess('taskmanager', ${JSON.stringify(folder)}));
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    name: text.toString().trim(),
    end: async (signal) => {
      const exited = once(child, 'exit');
      if (signal === undefined) {
        child.stdin.end();
      } else {
        child.kill(signal);
      }
      await exited;
    },
  };
};

const named = (number: number): string => `taskmanager-${HOST}-${number}`;

test('processes that start at once have a name each; one that starts later has that of one that ended, or was killed', async () => {
  const processes = await Promise.all(Array.from({ length: 4 }, start));
  const byName = new Map(processes.map((each) => [each.name, each]));
  expect([...byName.keys()].toSorted()).toEqual([0, 1, 2, 3].map(named));

  await byName.get(named(2))!.end();
  await byName.get(named(1))!.end('SIGKILL');
  const later = await Promise.all([start(), start(), start()]);
  expect(later.map(({ name }) => name).toSorted()).toEqual([1, 2, 4].map(named));
});

test('nothing is left behind by processes that end', async () => {
  const processes = await Promise.all([start(), start()]);
  await Promise.all(processes.map(({ end }) => end()));
  expect(readdirSync(folder)).toEqual([]);
});

test('a name of another machine or container is free when nothing was logged under it for a day', () => {
  const owner = join(folder, `.${named(0)}.owner`);
  const log = join(folder, `${named(0)}.log`);
  writeFileSync(owner, JSON.stringify({ pid: process.pid, identity: 'x', space: 'another kernel' }));
  writeFileSync(log, 'a line');
  utimesSync(owner, LONG_AGO, LONG_AGO);
  expect(nameUnnamedProcess('taskmanager', folder)).toBe(named(1));
  utimesSync(log, LONG_AGO, LONG_AGO);
  expect(nameUnnamedProcess('taskmanager', folder)).toBe(named(0));
  expect(JSON.parse(readFileSync(owner, 'utf8'))).toMatchObject({ pid: process.pid });
});

test('without a folder, or one that cannot be made, the number of the process tells it from others', () => {
  expect(nameUnnamedProcess('jobmanager', undefined)).toBe(`jobmanager-${HOST}-${process.pid}`);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(nameUnnamedProcess('jobmanager', join(file, 'logs'))).toBe(`jobmanager-${HOST}-${process.pid}`);
});
