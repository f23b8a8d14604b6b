import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configurationDocs } from './configuration-docs.ts';
import { configList } from './config-list.ts';
import { Configuration } from './configuration.ts';
import { FLINK_KEYS, FLINK_PREFIXES } from './flink-keys.ts';
import { namesOf } from './option.ts';
import { ALL_OPTIONS, environmentName, HIDDEN_VALUE, keysByEnvironmentName } from './option-registry.ts';

/** The design's table of defaults that differ; the last rows come from other parts of it. */
const DIFFERING_DEFAULTS = `
| \`heartbeat.interval\` / \`heartbeat.timeout\` | 10 s / 50 s | 1 s / 6 s | a frozen process is noticed in seconds |
| \`high-availability.zookeeper.client.session-timeout\` | 60 s | 10 s | host loss |
| \`high-availability.zookeeper.client.retry-wait\` | 5 s | 20 ms | leadership must not wait for it |
| \`high-availability.zookeeper.client.max-retry-wait\` | 60 s | 1 s | leadership must not wait for it |
| \`restart-strategy.exponential-delay.initial-backoff\` | 1 s, from the first restart | 1 s, from the second; the first after a quiet hour, or after a lost TaskManager, is at once | output again within a second |
| \`execution.checkpointing.num-retained\` | 1 | 2 | a way out when the newest is unreadable |
| \`execution.checkpointing.local-backup.enabled\` | false | true | restore where the task stays |
| \`execution.state-recovery.from-local\` | false | true | restore where the task stays |
| \`execution.checkpointing.dir\` | unset | with HA \`<storageDir>/<cluster-id>/checkpoints\` | HA without a place for state is a trap |
| \`web.access-control-allow-origin\`, \`rest.bind-address\` | \`*\`, all | none, loopback | submission runs code |
| \`jobmanager.reconcile.timeout\` (ours) | - | 10 s | |
| \`taskmanager.leader-absence.timeout\` (ours) | - | 5 min | below the usual lifetime of a prepared Kafka transaction |
| \`execution.checkpointing.incremental\` | false | true | a checkpoint costs what changed, not what there is |
| \`rest.retry.delay\` | 3 s | 250 ms | a leader is replaced in milliseconds |
| \`pipeline.max-parallelism\` | -1 (128 or more, from the parallelism) | 128 | a change of the parallelism never changes the key groups |
| \`jobmanager.rpc.address\` | none | 127.0.0.1 | a cluster on one machine needs no configuration |
| \`jobmanager.bind-host\`, \`taskmanager.bind-host\` | all, all | 127.0.0.1, 127.0.0.1 | submission runs code |
| \`security.ssl.internal.keystore-type\`, \`security.ssl.internal.truststore-type\` | JKS, JKS | PEM, PEM | what Node and OpenSSL read |
| \`taskmanager.memory.task.off-heap.size\` | 0 bytes | 30 % of the memory | typed arrays are where JavaScript keeps bulk data |
`;

const rowsOf = (table: string): readonly (readonly string[])[] =>
  table
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [keyCell = '', flink = '', here = '', reason = ''] = line
        .split('|')
        .slice(1)
        .map((cell) => cell.trim());
      const keys = [...keyCell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
      const parts = (text: string): string[] => (keys.length === 1 ? [text] : text.split(/ \/ |, /));
      return keys.map((key, index) => [key, parts(flink)[index] ?? '', parts(here)[index] ?? '', reason]);
    });

describe('the options', () => {
  test('differ from Flink where the design says so, and nowhere else', () => {
    const { header, rows } = configList(Configuration.empty, { changed: true });
    expect(header).toEqual(['key', 'Flink', 'here', 'reason']);
    expect(new Set(rows)).toEqual(new Set(rowsOf(DIFFERING_DEFAULTS)));
  });

  test('say the same about a changed default as the default itself', () => {
    for (const option of ALL_OPTIONS) {
      const value = option.differs === undefined ? undefined : option.type.parse(option.differs.here);
      if (value !== undefined && option.default !== undefined && option.key !== 'rest.bind-address') {
        expect([option.key, option.default]).toEqual([option.key, value]);
      }
    }
  });

  test('have keys of their own', () => {
    const keys = ALL_OPTIONS.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    const names = new Set(ALL_OPTIONS.flatMap(namesOf));
    expect(FLINK_KEYS.filter((key) => names.has(key))).toEqual([]);
    expect(FLINK_KEYS.filter((key) => FLINK_PREFIXES.some((prefix) => key.startsWith(prefix)))).toEqual([]);
  });

  test('have environment variables of their own', () => {
    for (const { key } of ALL_OPTIONS) {
      expect(keysByEnvironmentName.get(environmentName(key))).toBe(key);
    }
    expect(keysByEnvironmentName.has('MILLRACE_CONF_DIR')).toBe(false);
  });

  test('docs/configuration.md is current', () => {
    const path = new URL('../../../docs/configuration.md', import.meta.url);
    expect(readFileSync(path, 'utf8'), 'run node scripts/generate-configuration-docs.mjs').toBe(configurationDocs());
  });
});

describe('configList', () => {
  const configuration = Configuration.of(
    {
      'state.checkpoints.dir': '/x',
      'execution.checkpointing.interval': 60_000,
      's3.secret-key': 'do not show',
      'high-availability.zookeeper.client.authorization': 'digest:do not show',
      'cluster.id': '1',
      'no.such.key': '1',
    },
    'conf/config.yaml:1',
  );
  const valueOf = (key: string): readonly string[] | undefined =>
    configList(configuration, { origin: true })
      .rows.find((row) => row[0] === key)
      ?.slice(1);

  test('shows values in one spelling, with their origin', () => {
    expect(valueOf('execution.checkpointing.interval')).toEqual(['1 min', 'conf/config.yaml:1']);
    expect(valueOf('execution.checkpointing.dir')).toEqual(['/x', 'conf/config.yaml:1 (state.checkpoints.dir)']);
    expect(valueOf('execution.checkpointing.timeout')).toEqual(['10 min', 'default']);
    expect(valueOf('cluster.id')).toEqual(['1', 'conf/config.yaml:1, no effect yet']);
    expect(valueOf('no.such.key')).toEqual(['1', 'conf/config.yaml:1, unknown key']);
    expect(valueOf('high-availability.zookeeper.client.max-close-wait')).toBeUndefined();
  });

  test('masks secrets', () => {
    expect(valueOf('s3.secret-key')?.[0]).toBe(HIDDEN_VALUE);
    expect(valueOf('high-availability.zookeeper.client.authorization')?.[0]).toBe(HIDDEN_VALUE);
    expect(JSON.stringify(configList(configuration))).not.toContain('do not show');
  });

  test('has two columns without --origin', () => {
    expect(configList(configuration).header).toEqual(['key', 'value']);
    expect(configList(configuration).rows.every((row) => row.length === 2)).toBe(true);
  });
});
