import { cp, readFile, readdir, rename, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { MillraceProcess, SUMS, folderWith, jobFile, millrace } from './millrace-process.ts';
import type { MillraceResult } from './millrace-process.ts';

const FULL_DISK_HOOK = new URL('./full-disk-hook.mjs', import.meta.url).href;

/** One message, no stack, an exit code that says so. */
const expectFailure = (result: MillraceResult, ...messages: (string | RegExp)[]): void => {
  const { code, stderr } = result;
  for (const message of messages) {
    expect(stderr).toMatch(message);
  }
  expect(code).toBe(1);
  expect(stderr).not.toMatch(/node:internal|\/dist\/|\/src\/|\[Symbol|UnhandledPromise/);
  expect(stderr.match(/^ {4}at /gm) ?? []).toHaveLength(/^ {4}at /m.test(stderr) ? 1 : 0);
  const [first] = messages;
  const said = stderr.split('\n').filter((line) => line.match(first ?? ''));
  expect(said).toHaveLength(1);
};

const runFile = async (files: Readonly<Record<string, string>>, ...args: string[]): Promise<MillraceResult> =>
  millrace(['run', '--no-check', ...args], { cwd: await folderWith(files) });

describe.concurrent('a job file', () => {
  test.for<[string, Record<string, string>, (string | RegExp)[]]>([
    ['does not exist', {}, ['the job file job.ts does not exist']],
    ['does not compile', { 'job.ts': 'export default job(((;\n' }, [/^millrace: job\.ts:1:\d+: /m]],
    [
      'imports what is not there',
      { 'job.ts': `import './other.ts';` },
      [/job\.ts:1:8: there is no file "\.\/other\.ts"/],
    ],
    ['has no default export', { 'job.ts': 'export const a = 1;' }, ['the job file job.ts has no default export']],
    [
      'exports something else',
      { 'job.ts': 'export default 5;' },
      ['the default export of the job file job.ts is a number'],
    ],
    [
      'throws while it is loaded',
      { 'job.ts': `\nthrow new TypeError('no');` },
      [/job\.ts threw while.*TypeError: no$/m, /at job\.ts:2:7$/m],
    ],
    [
      'throws while it builds',
      { 'job.ts': jobFile(`(undefined as any).x();`) },
      [/the builder of job 'the-job' threw: TypeError: Cannot read/, /at job\.ts:4:\d+$/m],
    ],
    ['draws nothing', { 'job.ts': jobFile('') }, [`job 'the-job' is empty`]],
    ['has no sink', { 'job.ts': jobFile('env.from(sequence({ to: 1 }));') }, [`job 'the-job' has no sink`]],
    [
      'uses a uid twice',
      { 'job.ts': jobFile(`env.from(sequence({ to: 1 })).uid('a').map((x) => x).name('m').uid('a').print();`) },
      [/uid 'a' is used by operator 'sequence' and by operator 'm'/],
    ],
    [
      'has an async builder',
      { 'job.ts': `import { job } from 'millrace'; export default job('x', (async () => {}) as any);` },
      [/the builder of job 'x' is async/],
    ],
  ])('that %s', async ([, files, messages]) => {
    expectFailure(await runFile(files, 'job.ts'), ...messages);
  });

  test('that draws another graph in a worker is not restarted, checkpoints or not', async () => {
    const job = jobFile(`
      env.enableCheckpointing({ interval: '1s' });
      env.from(sequence({ to: 1 })).map((x) => x).name('m' + Math.random()).print();`);
    expectFailure(await runFile({ 'job.ts': job }, 'job.ts'), /drew another graph in this thread than at submission/);
  });
});

describe.concurrent('a record', () => {
  test('that cannot travel is named by operator and field', async () => {
    const job = jobFile(`
      env.enableCheckpointing({ interval: '1s' });
      env.from(sequence({ to: 9 })).map((x) => ({ x, deep: { call: () => x } })).name('makes functions')
        .keyBy((r) => String(r.x)).map((r) => r.x).print();`);
    expectFailure(
      await runFile({ 'job.ts': job }, '-p', '2', 'job.ts'),
      /operator "makes functions".*record\.deep\.call is a function/,
    );
  });

  test('of a CSV file that does not parse fails the job, or is skipped, as configured', async () => {
    const files = {
      'in.csv': 'name,age\nann,31\nbob,old\neve,40\n',
      'job.ts': `
import { job } from 'millrace';
import { csvFile } from 'millrace/connectors/file';
export default job('csv', (env, [onError]) => {
  env.enableCheckpointing({ interval: '1s' });
  const columns = { name: 'string', age: 'number' } as const;
  env.from(csvFile('in.csv', { header: true, columns, onError: onError as 'fail' | 'skip' })).map((r) => r.name).print();
});`,
    };
    expectFailure(await runFile(files, 'job.ts', 'fail'), /in\.csv, line 3: column "age": "old" is no number/);
    const { code, stdout } = await runFile(files, 'job.ts', 'skip');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ann\neve\n' });
  });
});

describe.concurrent('an option', () => {
  const job = { 'job.ts': SUMS };
  test.for<[string, string[], (string | RegExp)[]]>([
    [
      'parallelism that is no number',
      ['--parallelism', 'abc', 'job.ts'],
      [/parallelism\.default is "abc" \(command line\); allowed/],
    ],
    ['-D without =', ['-D', 'a.b', 'job.ts'], ['-D a.b: expected key=value']],
    [
      'a value that is not allowed',
      ['-D', 'execution.checkpointing.mode=sometimes', 'job.ts'],
      [/execution\.checkpointing\.mode is "sometimes" \(-D\); allowed: exactly-once/],
    ],
    ['a job id that is none', ['--jobId', '12', 'job.ts'], [`--jobId is '12'; allowed: 32 hex digits`]],
    [
      'an option that is not there',
      ['--parallelsm', '2', 'job.ts'],
      [/unknown option '--parallelsm'/, /Did you mean --parallelism\?/],
    ],
    ['a claim mode that is not there', ['--claimMode', 'MINE', 'job.ts'], [/MINE.*CLAIM, NO_CLAIM/]],
    ['a variable that is not set', ['--env', 'NOT_SET', 'job.ts'], [/--env NOT_SET: this variable is not set/]],
    ['no job file', [], [/missing required argument 'job file'/]],
    [
      'a place for checkpoints that is a file',
      ['-Dexecution.checkpointing.dir=job.ts', 'job.ts'],
      [/execution\.checkpointing\.dir .*job\.ts is not writable/],
    ],
    [
      'an empty place for checkpoints',
      ['-Dexecution.checkpointing.dir=', 'job.ts'],
      [/execution\.checkpointing\.dir is empty \(-D\)/],
    ],
    [
      'a file system that is not there',
      ['-Dexecution.checkpointing.dir=s3://b/c', 'job.ts'],
      [/no file system for "s3:".* has file:, memory:/],
    ],
    [
      'the memory of one thread for checkpoints',
      ['-Dexecution.checkpointing.dir=memory:///c', 'job.ts'],
      [
        /execution\.checkpointing\.dir is memory:\/\/\/c \(-D\), but the worker threads .* name a folder, or .* --inspect/,
      ],
    ],
    [
      'the memory of one thread for savepoints',
      ['-Dexecution.checkpointing.savepoint-dir=memory://s', 'job.ts'],
      [/execution\.checkpointing\.savepoint-dir is memory:\/\/s \(-D\)/],
    ],
    [
      'one for savepoints',
      ['-Dexecution.checkpointing.savepoint-dir=hdfs://n/s', 'job.ts'],
      [/no file system for "hdfs:"/],
    ],
    ['a snapshot that is not there', ['-s', 'nowhere', 'job.ts'], [/there is no checkpoint at nowhere/]],
    ['a snapshot without a name', ['-s', '', 'job.ts'], [/execution\.state-recovery\.path is empty \(command line\)/]],
    ['a snapshot that is another file', ['-s', 'job.ts', 'job.ts'], [/job\.ts is not the metadata of a checkpoint/]],
  ])('%s', async ([, args, messages]) => {
    expectFailure(await runFile(job, ...args), ...messages);
  });

  test('a key that is not there is warned about, with the nearest one', async () => {
    const { code, stderr } = await runFile(job, '-D', 'execution.checkpointing.intervall=1s', 'job.ts', '3');
    expect(code).toBe(0);
    expect(stderr).toContain(
      'WARN unknown key execution.checkpointing.intervall (-D); did you mean execution.checkpointing.interval?',
    );
  });

  test('a file system that is not there is an error of a job without checkpoints too', async () => {
    const files = { 'job.ts': jobFile('env.from(sequence({ to: 1 })).print();') };
    const dir = '-Dexecution.checkpointing.dir=hdfs://n/c';
    expectFailure(await runFile(files, dir, 'job.ts'), /no file system for "hdfs:"/);
  });

  test('a command that is not there', async () => {
    const { code, stderr } = await millrace(['rum', 'job.ts'], { cwd: await folderWith({}) });
    expect(code).toBe(1);
    expect(stderr).toMatch(/unknown command 'rum'\n\(Did you mean run\?\)/);
  });

  test('shows stacks to who asks for them', async () => {
    const cwd = await folderWith({ 'job.ts': jobFile(`throw new Error('deep');`) });
    const { stderr } = await millrace(['run', '--no-check', 'job.ts'], { cwd, env: { MILLRACE_STACK_TRACES: '1' } });
    expect(stderr).toMatch(/caused by Error: deep\n {4}at .*job\.ts:4/);
  });
});

describe.concurrent('a checkpoint', () => {
  let folder: string;
  let taken: string;

  beforeAll(async () => {
    folder = await folderWith({ 'job.ts': SUMS });
    const running = new MillraceProcess(['run', '--no-check', '--verbose', 'job.ts'], { cwd: folder });
    await running.checkpoint();
    running.kill('SIGINT');
    const { stderr } = await running.ended;
    taken = /--fromSavepoint (\S+) job\.ts/.exec(stderr)?.[1] ?? 'none';
  });

  const changed = async (change: (metadata: string) => Promise<void>): Promise<string> => {
    const target = join(await folderWith({}), basename(taken));
    await cp(taken, target, { recursive: true });
    await change(join(target, '_metadata'));
    return target;
  };

  const restore = (from: string, job = SUMS, ...args: string[]): Promise<MillraceResult> =>
    runFile({ 'job.ts': job }, '-s', from, ...args, 'job.ts', '30');

  test('that is cut off', async () => {
    const from = await changed(async (file) => truncate(file, (await readFile(file)).length - 7));
    expectFailure(await restore(from), /_metadata cannot be used: it is cut off/);
  });

  test('that is damaged', async () => {
    const from = await changed(async (file) => {
      const bytes = await readFile(file);
      bytes[100]! ^= 0xff;
      await writeFile(file, bytes);
    });
    expectFailure(await restore(from), /_metadata cannot be used: its checksum does not match/);
  });

  test('that has no metadata', async () => {
    const from = await changed((file) => rename(file, `${file}.part`));
    expectFailure(await restore(from), /is not complete: it has no _metadata file/);
  });

  test('of a newer version', async () => {
    const from = await changed(async (file) => {
      const bytes = await readFile(file);
      bytes.writeUInt32LE(99, 12);
      bytes.writeUInt32LE(crc32(bytes.subarray(24), crc32(bytes.subarray(8, 20))), 20);
      await writeFile(file, bytes);
    });
    expectFailure(await restore(from), /has checkpoint format version 99, this Millrace reads versions up to/);
  });

  test('of a job with other operators, unless their state is let go', async () => {
    const other = SUMS.replace(`'sums'`, `'totals'`);
    expectFailure(
      await restore(taken, other),
      /has state of operator "sum" \(uid "sums"\), which the job does not have/,
    );
    const { code, stderr } = await restore(taken, other, '--allowNonRestoredState');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^WARN the state of operator "sum" \(uid "sums"\) is dropped/m);
  });

  test('of an operator with another kind of state is not tried again and again', async () => {
    const process = `{ open(context: any) { context.state.map('sum'); }, process() {} }`;
    const other = SUMS.replace('.sum()', `.process(${process} as any)`);
    const { code, stderr } = await restore(taken, other);
    expect(code).toBe(1);
    expect(stderr).toMatch(/operator 'keyedProcess'.*restored as/);
  });
});

describe('a disk that gets full under the checkpoints', () => {
  test('fails the job with one message, and leaves nothing that is taken for complete', async () => {
    const job = jobFile(`
      env.enableCheckpointing({ interval: '20ms' });
      env.from(sequence({ from: 0, to: 1e9, every: '1ms' })).keyBy((x) => String(x)).sum().blackhole();`);
    const cwd = await folderWith({ 'job.ts': job });
    const result = await millrace(['run', '--no-check', '-D', 'restart-strategy.type=none', 'job.ts'], {
      cwd,
      env: {
        NODE_OPTIONS: `--import=${FULL_DISK_HOOK}`,
        MILLRACE_FULL_DISK: JSON.stringify({ path: '.millrace/checkpoints/', afterBytes: 3_000 }),
      },
    });
    expectFailure(result, /^Job the-job \(\w+\) failed .*no space left on the device/m);
    const [jobFolder = ''] = await readdir(join(cwd, '.millrace/checkpoints'));
    const left = await readdir(join(cwd, '.millrace/checkpoints', jobFolder), { recursive: true });
    expect(left.filter((name) => name.endsWith('_metadata'))).toEqual([]);
  });
});
