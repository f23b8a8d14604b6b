import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { folderWith, jobFile, millrace } from './millrace-process.ts';

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** Prints what each thread saw when it built the job: reads are by threads, prints too. */
const SEES = (what: string): string =>
  jobFile(`
    const seen = ${what};
    env.from(sequence({ from: 0, to: 7 })).keyBy((x) => String(x)).map(() => seen).print();`);

const linesOf = (stdout: string): string[] => [...new Set(stdout.trim().split('\n'))].toSorted();

describe.concurrent('millrace run', () => {
  test('takes options before the job file and hands what follows it to the builder of every thread', async () => {
    const cwd = await folderWith({ 'job.ts': SEES('JSON.stringify(args)') });
    const args = ['--topic', 'x y', '-p', '7', '--help', '--', '--env'];
    const { code, stdout } = await millrace(['run', '--no-check', '-p', '2', 'job.ts', ...args], { cwd });
    expect(code).toBe(0);
    expect(linesOf(stdout)).toEqual([`1> ${JSON.stringify(args)}`, `2> ${JSON.stringify(args)}`]);
  });

  test('hands the variables of --env to the builder of every thread', async () => {
    const cwd = await folderWith({ 'job.ts': SEES(`process.env['TOPIC'] + process.env['GROUP']`) });
    const env = { TOPIC: 'orders', GROUP: '=7' };
    const args = ['run', '--no-check', '--env', 'TOPIC', '--env', 'GROUP', '-p', '2', 'job.ts'];
    const { code, stdout } = await millrace(args, { cwd, env });
    expect(code).toBe(0);
    expect(linesOf(stdout)).toEqual(['1> orders=7', '2> orders=7']);
  });

  test('reads the configuration, in which the later layer wins', async () => {
    const cwd = await folderWith({ 'job.ts': SEES('1') });
    await mkdir(join(cwd, 'conf'));
    await writeFile(join(cwd, 'conf/config.yaml'), 'parallelism:\n  default: 3\npipeline.name: from the file\n');
    const run = (...args: string[]): ReturnType<typeof millrace> =>
      millrace(['run', '--no-check', ...args, 'job.ts'], { cwd });
    expect(linesOf((await run()).stdout)).toEqual(['1> 1', '2> 1', '3> 1']);
    const { stdout, stderr } = await run('-D', 'parallelism.default=2');
    expect(linesOf(stdout)).toEqual(['1> 1', '2> 1']);
    expect(stderr).toMatch(/^Job from the file \(\w+\) finished/m);
    expect(linesOf((await run('-D', 'parallelism.default=2', '-p', '1')).stdout)).toEqual(['1']);
  });

  test('shows where each value of the configuration comes from', async () => {
    const cwd = await folderWith({});
    await mkdir(join(cwd, 'conf'));
    await writeFile(join(cwd, 'conf/config.yaml'), 'parallelism.default: 3\n');
    const list = await millrace(['config', 'list', '--origin', '-D', 'pipeline.name=x'], { cwd });
    expect(list.stdout).toMatch(/^parallelism\.default +3 +conf\/config\.yaml:1$/m);
    expect(list.stdout).toMatch(/^pipeline\.name +x +-D$/m);
    expect(list.stdout).toMatch(/^execution\.checkpointing\.num-retained +2 +default$/m);
    const changed = await millrace(['config', 'list', '--changed'], { cwd });
    expect(changed.stdout).toMatch(
      /^execution\.checkpointing\.num-retained +1 +2 +a way out when the newest is unreadable$/m,
    );
  });

  test('says its version and its commands', async () => {
    const cwd = await folderWith({});
    expect((await millrace(['--version'], { cwd })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const { code, stdout } = await millrace(['--help'], { cwd });
    expect(code).toBe(0);
    for (const command of ['run', 'config', 'list', 'cancel', 'stop', 'savepoint', 'checkpoint']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    }
  });
});

describe.concurrent('type errors', () => {
  const WRONG = jobFile(`
    const wrong: string = 5;
    env.from(sequence({ from: 0, to: 3 })).map((x) => x.length + wrong).print();`);

  const project = async (): Promise<string> => {
    const cwd = await folderWith({
      'job.ts': WRONG,
      'package.json': '{ "type": "module" }',
      'tsconfig.json': JSON.stringify({ compilerOptions: { strict: true, module: 'nodenext', types: [] } }),
    });
    await mkdir(join(cwd, 'node_modules'));
    await symlink(join(MODULES, 'typescript'), join(cwd, 'node_modules/typescript'));
    await symlink(PACKAGE, join(cwd, 'node_modules/millrace'));
    return cwd;
  };

  test('are all shown before the process ends, and do not keep the job from running', async () => {
    const { code, stdout, stderr } = await millrace(['run', 'job.ts'], { cwd: await project() });
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(4);
    expect(stderr).toMatch(/^job\.ts:5:11: TS2322: Type 'number' is not assignable to type 'string'/m);
    expect(stderr).toMatch(/^job\.ts:6:\d+: TS2339: Property 'length' does not exist on type 'number'/m);
    expect(stderr).toMatch(/^2 type errors in job\.ts; the job is run all the same \(--no-check skips the check\)$/m);
  });

  test('are not looked for with --no-check', async () => {
    const { code, stderr } = await millrace(['run', '--no-check', 'job.ts'], { cwd: await project() });
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/TS\d+/);
  });
});
