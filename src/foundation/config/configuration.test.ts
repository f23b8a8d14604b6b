import { describe, expect, test } from 'vitest';
import { Configuration } from './configuration.ts';
import { checkpointingOptions } from './options/checkpointing-options.ts';
import { clusterOptions } from './options/cluster-options.ts';
import { executionOptions } from './options/execution-options.ts';
import { zooKeeperOptions } from './options/zookeeper-options.ts';

describe('Configuration', () => {
  test('defaults are typed', () => {
    const interval: number | undefined = Configuration.empty.get(checkpointingOptions.interval);
    const timeoutMs: number = Configuration.empty.get(checkpointingOptions.timeout);
    const mode: 'exactly-once' | 'at-least-once' = Configuration.empty.get(checkpointingOptions.mode);
    expect([interval, timeoutMs, mode]).toEqual([undefined, 600_000, 'exactly-once']);
    expect(Configuration.empty.origin(checkpointingOptions.mode)).toBe('default');
    expect(Configuration.empty.isSet(checkpointingOptions.mode)).toBe(false);
  });

  test('a later layer wins, also under an old name', () => {
    const configuration = Configuration.of({ 'execution.checkpointing.dir': '/new' }, 'file').with(
      { 'state.checkpoints.dir': '/later' },
      '-D',
    );
    expect(configuration.get(checkpointingOptions.directory)).toBe('/later');
    expect(configuration.origin(checkpointingOptions.directory)).toBe('-D');
    expect(configuration.toRecord()).toEqual({ 'execution.checkpointing.dir': '/later' });
  });

  test('within a layer the current name wins over old names', () => {
    const configuration = Configuration.of({
      'state.backend.fs.checkpointdir': '/oldest',
      'state.checkpoints.dir': '/old',
      'execution.checkpointing.dir': '/new',
    });
    expect(configuration.get(checkpointingOptions.directory)).toBe('/new');
  });

  test('an option falls back to another one only where it is not set itself', () => {
    const fallback = Configuration.of({ 'rest.port': 9000 });
    expect(fallback.get(clusterOptions.restBindPort)).toEqual([9000]);
    expect(
      fallback.with({ 'rest.bind-port': '1-2' }).with({ 'rest.port': 3 }).get(clusterOptions.restBindPort),
    ).toEqual([1, 2]);
  });

  test('a map may be written key by key', () => {
    const configuration = Configuration.of({ 'high-availability.zookeeper.client.authorization.digest': 'a:b' });
    expect(configuration.get(zooKeeperOptions.authorization)).toEqual({ digest: 'a:b' });
  });

  test('a wrong value names key, value, origin and what is allowed', () => {
    expect(() =>
      Configuration.of({ 'parallelism.default': 'many' }, 'conf/config.yaml:3').get(executionOptions.parallelism),
    ).toThrow(
      expect.objectContaining({
        code: 'BAD_OPTION',
        message: 'parallelism.default is "many" (conf/config.yaml:3); allowed: a whole number from 1 to 32768',
      }),
    );
  });

  test('undefined sets nothing', () => {
    expect(Configuration.of({ 'parallelism.default': undefined }).entries()).toEqual([]);
  });

  test('survives the way through a record', () => {
    const configuration = Configuration.of({ 'execution.buffer-timeout': '5 ms', 'x.y': 'z', 'io.tmp.dirs': 'a;b' });
    const copy = Configuration.of(configuration.toRecord());
    expect(copy.get(executionOptions.bufferTimeout)).toBe(5);
    expect(copy.toRecord()).toEqual(configuration.toRecord());
  });
});
