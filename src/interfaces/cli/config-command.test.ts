import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CheckFacts } from '../../foundation/config/check/check-facts.ts';
import { run, type Ran } from './cluster/test-support/run-cli.ts';
import type { CheckRequest } from './config-command.ts';

let folder: string;
let asked: CheckRequest | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-config-command-'));
  asked = undefined;
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Of a machine where nothing is to be found out. */
const gatherFacts = (request: CheckRequest): Promise<CheckFacts> => {
  asked = request;
  return Promise.resolve({
    configuration: request.configuration,
    jobManagers: undefined,
    taskManagers: undefined,
    ensemble: { servers: [], problem: undefined },
    places: new Map(),
    manifests: [],
  });
};

const check = (text: string, ...args: string[]): Promise<Ran> => {
  writeFileSync(join(folder, 'config.yaml'), text);
  return run(['config', 'check', '--config', folder, ...args], { gatherFacts });
};

describe('config check', () => {
  test('says each finding with its line and the way out, and counts them', async () => {
    const { code, stdout, stderr } = await check('high-availability:\n  type: ZOOKEEPER\n');
    const place = join(folder, 'config.yaml');
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      `error  HA_WITHOUT_QUORUM  ${place}:2`,
      expect.stringMatching(/^ {7}high-availability\.type is zookeeper, but /),
      expect.stringMatching(/^ {7}> name the servers: /),
    ]);
    expect(stdout).toMatch(/\nerrors: 2, risks: 0, hints: 1\n$/);
    expect([code, stderr]).toEqual([1, '']);
  });

  test('exits with 0 where nothing is wrong, and with risks alone', async () => {
    expect(await check('parallelism.default: 2')).toEqual({
      code: 0,
      stdout: 'errors: 0, risks: 0, hints: 0\n',
      stderr: '',
    });
    expect(await check('parallelism.defalt: 2')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('risks: 1'),
    });
  });

  test('--json has file and line', async () => {
    const { code, stdout } = await check(
      'a.b.c: 1\nzookeeper.cluster-id: x',
      '--json',
      '-D',
      'parallelism.default=none',
    );
    const report = JSON.parse(stdout) as unknown;
    expect(report).toEqual({
      errors: 1,
      risks: 1,
      hints: 1,
      findings: [
        expect.objectContaining({ code: 'BAD_VALUE', level: 'error', origin: '-D' }),
        expect.objectContaining({ code: 'UNKNOWN_KEY', level: 'risk', file: join(folder, 'config.yaml'), line: 1 }),
        {
          code: 'NOT_A_FLINK_KEY',
          level: 'hint',
          message: `zookeeper.cluster-id (${join(folder, 'config.yaml')}:2) is not a Flink key, read as high-availability.cluster-id`,
          origin: `${join(folder, 'config.yaml')}:2`,
          file: join(folder, 'config.yaml'),
          line: 2,
          wayOut: 'write high-availability.cluster-id',
        },
      ],
    });
    expect(code).toBe(1);
  });

  test('UNREADABLE_CONFIGURATION: a text that is no YAML, or contradicts itself', async () => {
    const broken = await check('a: [1\nb: 2', '--json');
    expect(JSON.parse(broken.stdout)).toMatchObject({
      errors: 1,
      findings: [{ code: 'UNREADABLE_CONFIGURATION', file: join(folder, 'config.yaml'), line: 2 }],
    });
    expect(broken.code).toBe(1);
    expect((await check('a.b: 1\na:\n  b: 2')).stdout).toContain('a.b is set twice');
    expect((await check('')).stdout).not.toContain('UNREADABLE_CONFIGURATION');
  });

  test('UNCLEAR_SETTING: a line that sets nothing', async () => {
    const { code, stdout } = await check('pipeline:\n  name:\n', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      risks: 1,
      findings: [{ code: 'UNCLEAR_SETTING', file: join(folder, 'config.yaml'), line: 2 }],
    });
    expect(code).toBe(0);
    expect((await check('pipeline:\n  name: x\n')).stdout).not.toContain('UNCLEAR_SETTING');
  });

  test('asks the servers unless it is told not to, and hands the manifests on', async () => {
    await check('');
    expect(asked).toMatchObject({ file: join(folder, 'config.yaml'), asksServers: true, manifests: [] });
    await check('', '--offline', '-f', 'a.yaml', '--file', 'b.yaml');
    expect(asked).toMatchObject({ asksServers: false, manifests: ['a.yaml', 'b.yaml'] });
  });

  test('a folder without a configuration is an error of the command', async () => {
    const { code, stderr } = await run(['config', 'check', '--config', join(folder, 'none')], { gatherFacts });
    expect([code, stderr]).toEqual([1, expect.stringContaining('is no configuration file')]);
  });
});

describe('config list', () => {
  test('shows values with their origin, and the defaults that differ', async () => {
    const listed = await run(['config', 'list', '--origin', '-D', 'zookeeper.cluster-id=/mine']);
    expect(listed.stdout).toMatch(/^high-availability\.cluster-id +mine +-D \(zookeeper\.cluster-id\)$/m);
    expect(listed.stderr).toBe('zookeeper.cluster-id (-D) is not a Flink key, read as high-availability.cluster-id\n');
    const changed = await run(['config', 'list', '--changed']);
    expect(changed.stdout).toMatch(/^key +Flink +here +reason\n/);
    expect(changed.stdout).toMatch(/^high-availability\.zookeeper\.client\.session-timeout +60 s +10 s +host loss$/m);
  });
});

describe('config explain', () => {
  test('says all of a key, under whatever name it is asked for', async () => {
    const { code, stdout, stderr } = await run(['config', 'explain', 'high-availability.storage-dir']);
    expect(stdout.split('\n')[0]).toBe(
      'high-availability.storage-dir is not a Flink key, read as high-availability.storageDir.',
    );
    expect(stdout).toMatch(/^required +with HA$/m);
    expect(stdout).toMatch(/^SSD +helps on local disks, irrelevant on object stores$/m);
    expect(stdout).toMatch(/^old names +high-availability\.zookeeper\.storageDir, recovery\.zookeeper\.storageDir$/m);
    expect([code, stderr]).toEqual([0, '']);
  });

  test('takes several, and refuses what is no key', async () => {
    const two = await run(['config', 'explain', 'parallelism.default', 'jobmanager.scheduler']);
    expect(two).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^key +parallelism\.default\n[^]*no effect in Millrace yet\.\n$/),
    });
    expect(await run(['config', 'explain', 'paralelism.default'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'millrace: there is no key paralelism.default; did you mean parallelism.default?\n',
    });
    expect((await run(['config', 'explain'])).code).toBe(1);
  });
});
