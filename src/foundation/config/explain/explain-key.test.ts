import { describe, expect, test } from 'vitest';
import { ALL_OPTIONS } from '../option-registry.ts';
import { explainKey, explanationOf, type Explanation } from './explain-key.ts';
import { EXPLAIN_TEXTS } from './explain-texts.ts';

/** The handbook's table: facts that a text has to have, divided by `;`. */
const HANDBOOK = `
| key | what | required | recommended | if not set | SSD |
|---|---|---|---|---|---|
| high-availability.type | elects the leader; keeps the pointers; none; embedded; zookeeper; kubernetes | for HA | zookeeper; kubernetes; production | no HA; JobManager that crashes ends its jobs | no effect |
| high-availability.storageDir | job graphs; bundles; results; behind all pointers | with HA | durable; every JobManager and TaskManager sees; HDFS; S3; Ceph; NFS; shared volume | refuses to start; never starts from scratch | helps on local disks; irrelevant on object stores |
| high-availability.zookeeper.quorum | servers; ensemble; host:port | zookeeper | three servers; odd number | refuses to start | disks of ZooKeeper's servers matter; those of Millrace do not |
| high-availability.zookeeper.client.acl | who may touch our nodes; open; creator | no | open for development; creator where the ensemble is secured; SASL; digest | open | no effect |
| high-availability.cluster-id | separates clusters on one ensemble | several clusters | one name for each | /default | no effect |
| high-availability.zookeeper.path.root | root of all our nodes | no | /flink | /flink | no effect |
| execution.checkpointing.interval | how often; state; saved | state; survive; TaskManager | seconds to minutes | no checkpoints | fast local disks shorten the local copy |
`;

const DEFAULTS: Readonly<Record<string, string>> = {
  'high-availability.type': 'none',
  'high-availability.storageDir': 'none',
  'high-availability.zookeeper.quorum': 'none',
  'high-availability.zookeeper.client.acl': 'open',
  'high-availability.cluster-id': '/default',
  'high-availability.zookeeper.path.root': '/flink',
  'execution.checkpointing.interval': 'none',
};

const COLUMNS = [
  'what',
  'required',
  'recommended',
  'ifNotSet',
  'ssd',
] as const satisfies readonly (keyof Explanation)[];

const rows = HANDBOOK.trim()
  .split('\n')
  .slice(2)
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

const explanation = (key: string): Explanation => {
  const option = ALL_OPTIONS.find((each) => each.key === key);
  if (option === undefined) {
    throw new Error(`there is no option ${key}`);
  }
  return explanationOf(option);
};

describe("the handbook's table", () => {
  test.each(rows)('%s', (key, ...cells) => {
    expect(cells).toHaveLength(COLUMNS.length);
    const found = explanation(key);
    for (const [at, column] of COLUMNS.entries()) {
      for (const fact of cells[at]!.split('; ')) {
        expect([column, found[column].toLowerCase()]).toEqual([column, expect.stringContaining(fact.toLowerCase())]);
      }
    }
    // Nothing beside it where the handbook has one word.
    for (const [at, column] of COLUMNS.entries()) {
      if (['no', 'no effect', 'for HA', 'with HA', 'open', '/flink'].includes(cells[at]!)) {
        expect([column, found[column]]).toEqual([column, cells[at]]);
      }
    }
    expect(found.default).toBe(DEFAULTS[key]);
  });

  test('has all rows', () => {
    expect(rows.map(([key]) => key)).toEqual(Object.keys(DEFAULTS));
  });
});

describe('an explanation', () => {
  test.each(ALL_OPTIONS.map((option) => [option.key, option] as const))('of %s leaves nothing out', (key, option) => {
    const found = explainKey(key);
    expect(found.kind).toBe('options');
    const lines = found.kind === 'options' ? (found.options[0] ?? []) : [];
    const names = lines.map(([name]) => name);
    for (const name of [
      'key',
      'what it does',
      'required',
      'recommended',
      'if not set',
      'SSD',
      'default',
      'allowed',
      'old names',
    ]) {
      expect(names).toContain(name);
    }
    expect(lines.every(([, text]) => text !== '' && !text.includes('`'))).toBe(true);
    for (const name of [...option.deprecatedKeys, ...option.otherSpellings]) {
      expect(lines.map(([, text]) => text).join('\n')).toContain(name);
    }
  });

  test('is of the right key where an old name, another spelling or other letters are written', () => {
    const noteOf = (key: string): unknown => {
      const found = explainKey(key);
      return found.kind === 'options' ? [found.note, found.options.map(([first]) => first?.[1])] : found;
    };
    expect(noteOf('recovery.mode')).toEqual([
      'recovery.mode is an old name of high-availability.type.',
      ['high-availability.type'],
    ]);
    expect(noteOf('zookeeper.address')).toEqual([
      'zookeeper.address is not a Flink key, read as high-availability.zookeeper.quorum.',
      ['high-availability.zookeeper.quorum'],
    ]);
    expect(noteOf('HIGH-AVAILABILITY.STORAGEDIR')).toEqual([undefined, ['high-availability.storageDir']]);
    expect(noteOf('web.port')).toEqual([
      'web.port is an old name of rest.port and rest.bind-port.',
      ['rest.port', 'rest.bind-port'],
    ]);
    expect(noteOf('high-availability.zookeeper.client.authorization.digest')).toEqual([
      undefined,
      ['high-availability.zookeeper.client.authorization'],
    ]);
  });

  test('of what is no option says so', () => {
    expect(explainKey('jobmanager.scheduler')).toEqual({
      kind: 'without-effect',
      text: 'jobmanager.scheduler is a key of Flink, which has no effect in Millrace yet.',
    });
    expect(explainKey('high-availability.storageDirs')).toEqual({
      kind: 'unknown',
      nearest: 'high-availability.storageDir',
    });
    expect(explainKey('nothing.like.it.at.all')).toEqual({ kind: 'unknown', nearest: undefined });
  });
});

test('every text is of an option', () => {
  const keys = new Set(ALL_OPTIONS.map(({ key }) => key));
  expect([...EXPLAIN_TEXTS.keys()].filter((key) => !keys.has(key))).toEqual([]);
});
