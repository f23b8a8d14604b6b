import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger, type Logger } from '../foundation/common/logger.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { Configuration } from '../foundation/config/configuration.ts';
import { processIdentity } from './local-cluster/process-identity.ts';
import { localStateOwner, LocalStateFolders, type LocalStateOwner } from './local-state-folders.ts';
import { localStateRoots } from './local-state-roots.ts';

const JOB = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);

let root: string;
let log: string[];
const logger: Logger = { ...silentLogger, warn: (message) => void log.push(message) };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  log = [];
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const open = (owner: LocalStateOwner = localStateOwner('tm')): LocalStateFolders =>
  new LocalStateFolders([root], systemRandom.hex(32), owner, logger);

const add = (folders: LocalStateFolders, job: string, subtask: string): string => {
  const folder = join(folders.folders[0]!, job, subtask);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'copy'), 'state');
  return folder;
};

/** A number of a process that has ended, and what it was known by. */
const endedProcess = async (): Promise<Pick<LocalStateOwner, 'pid' | 'identity'>> => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const pid = child.pid!;
  const identity = processIdentity(pid)!;
  await new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGKILL');
  });
  return { pid, identity };
};

describe('at the start of a TaskManager', () => {
  test('folders of dead processes go, those of living ones never', async () => {
    const dead = open({ ...localStateOwner('tm'), ...(await endedProcess()) });
    const reused = open({ ...localStateOwner('tm'), identity: 'an earlier process of this number' });
    const living = open();
    add(dead, JOB, 'v-0');
    await open().clean();
    expect([dead, reused, living].map(({ folders }) => existsSync(folders[0]!))).toEqual([false, false, true]);
    expect(log).toEqual([]);
  });

  test('of other machines and containers, only what nothing has touched for a day goes', async () => {
    const foreign = open({ ...localStateOwner('tm'), pid: 1, identity: 'x', space: 'another kernel' });
    const unnamed = join(root, systemRandom.hex(32));
    mkdirSync(unnamed);
    const ours = open();
    await ours.clean();
    expect([existsSync(foreign.folders[0]!), existsSync(unnamed)]).toEqual([true, true]);
    const longAgo = new Date(Date.now() - 25 * 3_600_000);
    [unnamed, foreign.folders[0]!, join(foreign.folders[0]!, 'owner.json')].forEach((path) =>
      utimesSync(path, longAgo, longAgo),
    );
    await ours.clean();
    expect([existsSync(foreign.folders[0]!), existsSync(unnamed)]).toEqual([false, false]);
  });

  test('several that start at once delete the same folders without a word', async () => {
    const dead = Array.from({ length: 20 }, () => open({ ...localStateOwner('tm'), identity: 'an earlier process' }));
    dead.forEach((folders) => Array.from({ length: 5 }, (_, subtask) => add(folders, JOB, `v-${subtask}`)));
    await Promise.all([open().clean(), open().clean(), open().clean()]);
    expect(dead.filter(({ folders }) => existsSync(folders[0]!))).toEqual([]);
    expect(log).toEqual([]);
  });

  test('what is none of ours stays', async () => {
    mkdirSync(join(root, 'photos'));
    await open().clean();
    expect(existsSync(join(root, 'photos'))).toBe(true);
  });
});

test('the copies of a job go when it is released, once its threads have ended', async () => {
  const folders = open();
  const [own, other] = [add(folders, JOB, 'v-0'), add(folders, OTHER, 'v-0')];
  const ended = Promise.withResolvers<void>();
  folders.released(JOB, ended.promise);
  await folders.clean();
  expect(existsSync(own)).toBe(true);
  ended.resolve();
  await expect.poll(() => existsSync(own)).toBe(false);
  expect(existsSync(other)).toBe(true);
  folders.released(undefined, Promise.resolve());
  await expect.poll(() => existsSync(other)).toBe(false);
  folders.released('../..', Promise.resolve());
  await folders.close();
  expect(existsSync(folders.folders[0]!)).toBe(false);
  expect(existsSync(root)).toBe(true);
});

test('the copies of a subtask go that was elsewhere for a whole checkpoint', async () => {
  const folders = open();
  const [here, gone, back] = [add(folders, JOB, 'v-0'), add(folders, JOB, 'v-1'), add(folders, JOB, 'v-2')];
  const completed = async (id: number, ...present: string[]): Promise<boolean[]> => {
    folders.completed(JOB, id, () => new Set(present));
    await folders.clean();
    return [here, gone, back].map((folder) => existsSync(folder));
  };
  expect(await completed(1, 'v-0')).toEqual([true, true, true]);
  // Every task of the job hears of the same checkpoint.
  expect(await completed(1, 'v-0')).toEqual([true, true, true]);
  expect(await completed(2, 'v-0', 'v-2')).toEqual([true, false, true]);
  expect(await completed(3, 'v-0')).toEqual([true, false, true]);
});

describe('the roots', () => {
  const rootsOf = (settings: Readonly<Record<string, string>>): readonly string[] =>
    localStateRoots(Configuration.of(settings), logger);
  const below = (folder: string): string => join(folder, `millrace-local-state-${process.getuid!()}`);

  test('are named by Flink’s keys, old and new, and are private', () => {
    const [a, b] = [join(root, 'a'), join(root, 'b')];
    expect(rootsOf({ 'execution.checkpointing.local-backup.dirs': `${a},${b}` })).toEqual([below(a), below(b)]);
    expect(statSync(below(a)).mode & 0o777).toBe(0o700);
    chmodSync(below(a), 0o755);
    expect(rootsOf({ 'taskmanager.state.local.root-dirs': a })).toEqual([below(a)]);
    expect(statSync(below(a)).mode & 0o777).toBe(0o700);
    expect(rootsOf({ 'process.working-dir': b, 'io.tmp.dirs': a })).toEqual([below(b)]);
    expect(rootsOf({ 'io.tmp.dirs': `${a};${b}` })).toEqual([below(a)]);
    expect(log).toEqual([]);
  });

  test('that cannot be used are left out, and told', () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    const good = join(root, 'good');
    expect(rootsOf({ 'execution.checkpointing.local-backup.dirs': `${file},${good}` })).toEqual([below(good)]);
    expect(log).toEqual([expect.stringMatching(/^no local copies of state are kept in .*file.*local-backup\.dirs$/)]);
  });
});
