import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfiguration } from './load-configuration.ts';
import { checkpointingOptions } from './options/checkpointing-options.ts';
import { executionOptions } from './options/execution-options.ts';
import { zooKeeperOptions } from './options/zookeeper-options.ts';
import { processOptions } from './options/process-options.ts';
import { restartOptions } from './options/restart-options.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-config-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
};

const load = (text: string) => {
  write('conf/config.yaml', text);
  return loadConfiguration({ workingFolder: folder });
};

const thrown = (run: () => unknown): { code: string; message: string } => {
  try {
    run();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('nothing was thrown');
};

describe('where the file is looked for', () => {
  test('--config, MILLRACE_CONF_DIR, FLINK_CONF_DIR, ./conf', () => {
    const places = ['given', 'own', 'flink', 'work/conf'];
    places.forEach((place, index) => write(`${place}/config.yaml`, `parallelism.default: ${index + 1}`));
    const env = { MILLRACE_CONF_DIR: join(folder, 'own'), FLINK_CONF_DIR: join(folder, 'flink') };
    const workingFolder = join(folder, 'work');
    const parallelism = (sources: Parameters<typeof loadConfiguration>[0]): number =>
      loadConfiguration({ workingFolder, ...sources }).configuration.get(executionOptions.parallelism);
    expect(parallelism({ configDir: join(folder, 'given'), env })).toBe(1);
    expect(parallelism({ env })).toBe(2);
    expect(parallelism({ env: { FLINK_CONF_DIR: env.FLINK_CONF_DIR } })).toBe(3);
    expect(parallelism({})).toBe(4);
    expect(parallelism({ configDir: join(folder, 'given', 'config.yaml') })).toBe(1);
  });

  test('no file is no error', () => {
    expect(loadConfiguration({ workingFolder: folder })).toMatchObject({ file: undefined, warnings: [], hints: [] });
  });

  test('a folder that was named and has no file is an error', () => {
    for (const sources of [{ configDir: folder }, { env: { MILLRACE_CONF_DIR: join(folder, 'missing') } }]) {
      expect(thrown(() => loadConfiguration({ ...sources, workingFolder: folder })).code).toBe('FILE_NOT_FOUND');
    }
  });

  test('an empty FLINK_CONF_DIR is a warning, ./conf is read', () => {
    write('conf/config.yaml', 'parallelism: {default: 7}');
    const { configuration, warnings } = loadConfiguration({ env: { FLINK_CONF_DIR: folder }, workingFolder: folder });
    expect(configuration.get(executionOptions.parallelism)).toBe(7);
    expect(warnings).toEqual([expect.stringContaining('FLINK_CONF_DIR')]);
  });

  test('config.yaml comes before flink-conf.yaml', () => {
    write('conf/flink-conf.yaml', 'parallelism.default: 2');
    expect(loadConfiguration({ workingFolder: folder }).configuration.get(executionOptions.parallelism)).toBe(2);
    expect(load('parallelism.default: 3').configuration.get(executionOptions.parallelism)).toBe(3);
  });
});

describe('config.yaml', () => {
  test('nested and flat keys mean the same, with the line of each', () => {
    const { configuration } = load(
      ['execution:', '  checkpointing:', '    interval: 5 s', 'execution.checkpointing.mode: AT_LEAST_ONCE', ''].join(
        '\n',
      ),
    );
    expect(configuration.get(checkpointingOptions.interval)).toBe(5000);
    expect(configuration.origin(checkpointingOptions.interval)).toBe(`${join(folder, 'conf/config.yaml')}:3`);
    expect(configuration.get(checkpointingOptions.mode)).toBe('at-least-once');
  });

  test('values stay as they are written', () => {
    const { configuration } = load('pipeline.name: 1.10\nexecution.checkpointing.dir: "/x # y"\n');
    expect(configuration.get(executionOptions.jobName)).toBe('1.10');
    expect(configuration.get(checkpointingOptions.directory)).toBe('/x # y');
  });

  test('lists, maps, anchors', () => {
    const { configuration } = load(
      [
        'io.tmp.dirs: &dirs [/a, "/b"]',
        'x-dirs: *dirs',
        'high-availability.zookeeper.client.authorization:',
        '  digest: user:word',
      ].join('\n'),
    );
    expect(configuration.get(processOptions.temporaryFolders)).toEqual(['/a', '/b']);
    expect(configuration.get(zooKeeperOptions.authorization)).toEqual({ digest: 'user:word' });
    expect(configuration.entries().find(({ key }) => key === 'x-dirs')?.value).toEqual(['/a', '/b']);
  });

  test('an empty file, comments alone, a key without a value', () => {
    expect(load('').configuration.entries()).toEqual([]);
    expect(load('# nothing\n').configuration.entries()).toEqual([]);
    const { configuration, warnings } = load('pipeline:\n  name:\n');
    expect(configuration.entries()).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('pipeline.name has no value')]);
  });

  test.each([
    ['a: [1\nb: 2', ':2:'],
    ['a: 1\na: 2', ':2:1: '],
    ['a.b: 1\na:\n  b: 2', 'a.b is set twice'],
    ['- a\n- b', 'expected "key: value" lines'],
    ['just text', 'expected "key: value" lines'],
    ['a: [[1]]', 'list of lists'],
  ])('%j is refused', (text, part) => {
    const error = thrown(() => load(text));
    expect(error.code).toBe('BAD_OPTION');
    expect(error.message).toContain(part);
    expect(error.message).toContain('config.yaml');
  });
});

describe('flink-conf.yaml', () => {
  test('is lines, not YAML', () => {
    write(
      'conf/flink-conf.yaml',
      [
        '# comment',
        'pipeline.name: a: b  # trailing',
        'restart-strategy: fixed-delay',
        'parallelism.default:4',
        'pipeline.name: again',
      ].join('\r\n'),
    );
    const { configuration, warnings } = loadConfiguration({ workingFolder: folder });
    expect(configuration.get(executionOptions.jobName)).toBe('again');
    expect(configuration.get(restartOptions.type)).toBe('fixed-delay');
    expect(configuration.get(executionOptions.parallelism)).toBe(1);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(/flink-conf\.yaml:4: expected "key: value"/);
    expect(warnings[1]).toMatch(/pipeline\.name is set twice/);
  });
});

describe('layers', () => {
  test('the environment counts over the file, -D over both', () => {
    write('conf/config.yaml', 'parallelism.default: 2\npipeline.name: a\nexecution.checkpointing.num-retained: 5');
    const { configuration, warnings } = loadConfiguration({
      workingFolder: folder,
      env: { MILLRACE_CONF_PARALLELISM_DEFAULT: '3', MILLRACE_CONF_PIPELINE_NAME: 'b', MILLRACE_CONF_DIR: '' },
      args: ['-Dpipeline.name=c=d'],
    });
    expect(configuration.get(executionOptions.parallelism)).toBe(3);
    expect(configuration.origin(executionOptions.parallelism)).toBe('MILLRACE_CONF_PARALLELISM_DEFAULT');
    expect(configuration.get(executionOptions.jobName)).toBe('c=d');
    expect(configuration.origin(executionOptions.jobName)).toBe('-D');
    expect(configuration.get(checkpointingOptions.numRetained)).toBe(5);
    expect(warnings).toEqual([]);
  });

  test('a variable that names no key is a warning', () => {
    const { warnings } = loadConfiguration({ workingFolder: folder, env: { MILLRACE_CONF_PARALELISM_DEFAULT: '3' } });
    expect(warnings).toEqual([
      'the environment variable MILLRACE_CONF_PARALELISM_DEFAULT names no key; did you mean MILLRACE_CONF_PARALLELISM_DEFAULT?',
    ]);
  });

  test('-D without a value is an error', () => {
    expect(thrown(() => loadConfiguration({ workingFolder: folder, args: ['parallelism.default'] })).message).toContain(
      'expected key=value',
    );
  });
});

describe('findings', () => {
  test('an unknown key is a warning with the nearest known one', () => {
    const { warnings } = load('execution.checkpointing.intervall: 5 s\nnothing.like.it: 1');
    expect(warnings).toEqual([
      expect.stringMatching(
        /unknown key execution\.checkpointing\.intervall .*:1\); did you mean execution\.checkpointing\.interval\?/,
      ),
      expect.stringMatching(/unknown key nothing\.like\.it .*:2\)$/),
    ]);
  });

  test('a slip in a family of Flink keys is found too', () => {
    const { warnings } = load('taskmanager.memory.task.heap.sizes: 1gb');
    expect(warnings).toEqual([expect.stringContaining('did you mean taskmanager.memory.task.heap.size?')]);
  });

  test('all wrong values are said at once; those of keys without effect are not', () => {
    const error = thrown(() =>
      load(
        'parallelism.default: 0\nexecution.checkpointing.timeout: soon\nhigh-availability.zookeeper.client.max-close-wait: sometimes',
      ),
    );
    expect(error.message.split('\n')).toEqual([
      expect.stringContaining('parallelism.default is "0"'),
      expect.stringContaining('execution.checkpointing.timeout is "soon"'),
    ]);
  });

  test('an old and the current name with different values is a warning, with the same value none', () => {
    const different = load('state.checkpoints.dir: /old\nexecution.checkpointing.dir: /new');
    expect(different.configuration.get(checkpointingOptions.directory)).toBe('/new');
    expect(different.warnings).toEqual([expect.stringContaining('not its old name state.checkpoints.dir')]);
    expect(load('state.checkpoints.dir: /x\nexecution.checkpointing.dir: /x').warnings).toEqual([]);
  });

  test('a Flink configuration gives one hint for what has no effect, one for old names', () => {
    const { warnings, hints } = load(
      [
        'env:\n  java:\n    opts:\n      all: --add-opens=x',
        'jobmanager:\n  bind-host: localhost\n  rpc:\n    address: localhost\n    port: 6123',
        '  memory:\n    process:\n      size: 1600m\n  execution:\n    failover-strategy: region',
        'taskmanager:\n  bind-host: localhost\n  host: localhost\n  numberOfTaskSlots: 1\n  memory:\n    process:\n      size: 1728m',
        'parallelism:\n  default: 1',
        'rest:\n  address: localhost\n  bind-address: localhost',
        'state.checkpoints.dir: /tmp/x',
        'metrics.reporter.prom.port: 9249',
      ].join('\n'),
    );
    expect(warnings).toEqual([]);
    expect(hints).toEqual([
      'old names: state.checkpoints.dir is now execution.checkpointing.dir',
      '2 keys have no effect in Millrace yet: env.java.opts.all, metrics.reporter.prom.port',
    ]);
  });
});
