import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkConfiguration } from './check-configuration.ts';
import { Configuration } from './configuration.ts';
import { parseFlatConfig } from './flat-config.ts';
import { loadConfiguration } from './load-configuration.ts';
import { meaningOf } from './option-registry.ts';
import type { Option } from './option.ts';
import { checkpointingOptions } from './options/checkpointing-options.ts';
import { highAvailabilityOptions } from './options/high-availability-options.ts';
import { zooKeeperOptions } from './options/zookeeper-options.ts';
import { type ParsedConfig, parseYamlConfig } from './yaml-config.ts';

const ha = highAvailabilityOptions;

const readAs = (parse: (text: string, file: string) => ParsedConfig, name: string): ParsedConfig =>
  parse(readFileSync(new URL(`fixtures/handbook/${name}`, import.meta.url), 'utf8'), name);

const configurationOf = ({ entries, warnings }: ParsedConfig): Configuration => {
  expect(warnings).toEqual([]);
  return Configuration.empty.with(entries);
};

type Expected = readonly (readonly [Option<unknown>, unknown])[];

const A: Expected = [
  [ha.type, 'zookeeper'],
  [ha.storageDirectory, 'hdfs:///flink/ha/'],
  [zooKeeperOptions.quorum, 'zk1:2181,zk2:2181,zk3:2181'],
  [zooKeeperOptions.acl, 'open'],
];
const B: Expected = [
  ...A.filter(([option]) => option !== zooKeeperOptions.quorum),
  [zooKeeperOptions.quorum, 'host1:2181,host2:2181,host3:2181'],
];
const C: Expected = [
  [ha.type, 'zookeeper'],
  [ha.storageDirectory, 'file:///tmp/flink/recovery'],
  [ha.clusterId, 'my_flink_cluster'],
  [zooKeeperOptions.quorum, 'zk1.example.com:2181,zk2.example.com:2181,zk3.example.com:2181'],
  [zooKeeperOptions.root, '/flink'],
  [zooKeeperOptions.retryWait, 1000],
  [zooKeeperOptions.maxRetries, 5],
];
const D: Expected = [
  [ha.type, 'kubernetes'],
  [ha.storageDirectory, 's3://test/ha'],
  [checkpointingOptions.interval, 60_000],
  [checkpointingOptions.directory, 's3://test/cp'],
];

describe('the examples of the handbook', () => {
  test.each<[string, (text: string, file: string) => ParsedConfig, Expected]>([
    ['a.yaml', parseFlatConfig, A],
    ['a.yaml', parseYamlConfig, A],
    ['a.nested.yaml', parseYamlConfig, A],
    ['b.yaml', parseFlatConfig, B],
    ['b.yaml', parseYamlConfig, B],
    ['e.yaml', parseYamlConfig, B],
    ['c.yaml', parseFlatConfig, C],
    ['c.yaml', parseYamlConfig, C],
    ['c.nested.yaml', parseYamlConfig, C],
    ['d.yaml', parseFlatConfig, D],
    ['d.yaml', parseYamlConfig, D],
    ['d.nested.yaml', parseYamlConfig, D],
  ])('%s means what it says', (name, parse, expected) => {
    const configuration = configurationOf(readAs(parse, name));
    for (const [option, value] of expected) {
      expect([option.key, configuration.get(option)]).toEqual([option.key, value]);
    }
    expect(configuration.entries()).toHaveLength(expected.length);
    expect(checkConfiguration(configuration)).toMatchObject({ errors: [], warnings: [] });
  });

  test('keys that never were keys of Flink are answered with the right ones, each with its line', () => {
    const { hints } = checkConfiguration(configurationOf(readAs(parseFlatConfig, 'c.yaml')));
    expect(hints.filter((hint) => hint.includes('not a Flink key'))).toEqual([
      'high-availability.storage-dir (c.yaml:2) is not a Flink key, read as high-availability.storageDir',
      'zookeeper.cluster-id (c.yaml:3) is not a Flink key, read as high-availability.cluster-id',
      'zookeeper.address (c.yaml:4) is not a Flink key, read as high-availability.zookeeper.quorum',
      'zookeeper.path.root (c.yaml:5) is not a Flink key, read as high-availability.zookeeper.path.root',
      'zookeeper.retry-delay (c.yaml:6) is not a Flink key, read as high-availability.zookeeper.client.retry-wait',
      'zookeeper.retry-count (c.yaml:7) is not a Flink key, read as high-availability.zookeeper.client.max-retry-attempts',
    ]);
    expect(hints.join()).toContain('high-availability is now high-availability.type');
  });

  test("of keys that are Flink's nothing of the kind is said", () => {
    for (const name of ['a.yaml', 'b.yaml', 'd.yaml']) {
      const { hints } = checkConfiguration(configurationOf(readAs(parseYamlConfig, name)));
      expect(hints.join()).not.toContain('not a Flink key');
    }
  });
});

describe('other spellings', () => {
  test.each<[string, string, Option<unknown>, unknown]>([
    ['high-availability.storage-dir', '/shared', ha.storageDirectory, '/shared'],
    ['zookeeper.quorum', 'a:1', zooKeeperOptions.quorum, 'a:1'],
    ['zookeeper.address', 'a:1', zooKeeperOptions.quorum, 'a:1'],
    ['zookeeper.client.acl', 'CREATOR', zooKeeperOptions.acl, 'creator'],
    ['zookeeper.cluster-id', 'my_flink_cluster', ha.clusterId, 'my_flink_cluster'],
    ['zookeeper.cluster-id', '/my_flink_cluster', ha.clusterId, 'my_flink_cluster'],
    ['zookeeper.path.root', '/x', zooKeeperOptions.root, '/x'],
    ['zookeeper.retry-delay', '1000', zooKeeperOptions.retryWait, 1000],
    ['zookeeper.retry-delay', '2 s', zooKeeperOptions.retryWait, 2000],
    ['zookeeper.retry-count', '5', zooKeeperOptions.maxRetries, 5],
  ])('%s: %s is read as %o', (key, value, option, expected) => {
    const configuration = Configuration.of({ [key]: value });
    expect(configuration.get(option)).toBe(expected);
    expect(configuration.toRecord()).toEqual({ [option.key]: value });
  });

  test.each(['ZOOKEEPER', 'ZooKeeper', 'zookeeper'])('the type %s', (value) => {
    expect(Configuration.of({ 'high-availability': value }).get(ha.type)).toBe('zookeeper');
    expect(Configuration.of({ 'high-availability.type': value }).get(ha.type)).toBe('zookeeper');
  });

  test.each(['KUBERNETES', 'Kubernetes'])('the type %s', (value) => {
    expect(Configuration.of({ 'high-availability.type': value }).get(ha.type)).toBe('kubernetes');
  });

  test('the right key counts, and another value beside it is an error that names both', () => {
    const configuration = Configuration.of(
      { 'zookeeper.quorum': 'a:1', 'high-availability.zookeeper.quorum': 'b:2' },
      'f:1',
    );
    expect(configuration.get(zooKeeperOptions.quorum)).toBe('b:2');
    expect(checkConfiguration(configuration).errors).toEqual([
      'high-availability.zookeeper.quorum (f:1) is "b:2" and zookeeper.quorum (f:1) is "a:1", and both mean ' +
        'high-availability.zookeeper.quorum; write only high-availability.zookeeper.quorum',
    ]);
  });

  test('two other spellings with different values are one too', () => {
    const { errors } = checkConfiguration(Configuration.of({ 'zookeeper.quorum': 'a:1', 'zookeeper.address': 'b:2' }));
    expect(errors).toEqual([expect.stringMatching(/zookeeper\.quorum .*zookeeper\.address /)]);
  });

  test.each<[string, string, string, string]>([
    ['zookeeper.quorum', 'a:1', 'high-availability.zookeeper.quorum', 'a:1'],
    ['zookeeper.cluster-id', 'mine', 'high-availability.cluster-id', '/mine'],
    ['zookeeper.retry-delay', '1000', 'high-availability.zookeeper.client.retry-wait', '1 s'],
    ['zookeeper.client.acl', 'OPEN', 'high-availability.zookeeper.client.acl', 'open'],
  ])('%s: %s beside %s: %s says the same, and is no error', (key, value, right, rightValue) => {
    expect(checkConfiguration(Configuration.of({ [key]: value, [right]: rightValue })).errors).toEqual([]);
  });

  test('a later layer replaces the value, whichever spelling each of them has', () => {
    const configuration = Configuration.of({ 'zookeeper.quorum': 'a:1' }).with({
      'high-availability.zookeeper.quorum': 'b:2',
    });
    expect(configuration.get(zooKeeperOptions.quorum)).toBe('b:2');
    expect(checkConfiguration(configuration).errors).toEqual([]);
  });

  test('may stand in variables too', () => {
    const env = { MILLRACE_CONF_ZOOKEEPER_QUORUM: 'a:1', MILLRACE_CONF_HIGH_AVAILABILITY_STORAGE_DIR: '/shared' };
    const { configuration, warnings, hints } = loadConfiguration({ env, workingFolder: '/nowhere' });
    expect([configuration.get(zooKeeperOptions.quorum), configuration.get(ha.storageDirectory)]).toEqual([
      'a:1',
      '/shared',
    ]);
    expect(warnings).toEqual([]);
    expect(hints[0]).toContain('zookeeper.quorum (MILLRACE_CONF_ZOOKEEPER_QUORUM) is not a Flink key');
  });

  test('a slip in one of them is answered with the right key', () => {
    expect(meaningOf('zookeeper.quorums')).toEqual({ kind: 'unknown', nearest: 'high-availability.zookeeper.quorum' });
    expect(meaningOf('zookeeper.something.of.flink')).toEqual({ kind: 'flink' });
  });
});
