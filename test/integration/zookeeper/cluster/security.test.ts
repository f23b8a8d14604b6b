import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ClusterUnderTest } from '../../../chaos/cluster-under-test.ts';
import { CountedJob } from '../../../chaos/counted-job.ts';
import { Clients, endOf } from '../clients.ts';
import { ALICE, SecuredEnsemble } from '../secured-ensemble.ts';
import { onZooKeeper } from './cluster-on-zookeeper.ts';

let secured: SecuredEnsemble;
let cluster: ClusterUnderTest | undefined;

beforeAll(async () => {
  secured = await SecuredEnsemble.start();
});

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

afterAll(() => secured?.stop());

const CLIENT = 'high-availability.zookeeper.client';

interface Access {
  readonly configuration: Readonly<Record<string, string>>;
  /** Values that no list of processes may show. */
  readonly env?: Readonly<Record<string, string>>;
}

const ACCESSES: readonly (readonly [string, () => Access])[] = [
  [
    'digest',
    () => ({
      configuration: {},
      env: { MILLRACE_CONF_HIGH_AVAILABILITY_ZOOKEEPER_CLIENT_AUTHORIZATION: 'digest:carol:not-to-be-shown' },
    }),
  ],
  [
    'SASL',
    () => ({
      configuration: { [`${CLIENT}.sasl.username`]: ALICE.username },
      env: { MILLRACE_CONF_HIGH_AVAILABILITY_ZOOKEEPER_CLIENT_SASL_PASSWORD: ALICE.password },
    }),
  ],
  [
    'TLS with a certificate',
    () => {
      const { key, cert } = secured.certified('cluster');
      return {
        configuration: {
          'high-availability.zookeeper.quorum': secured.secure('localhost'),
          [`${CLIENT}.ssl.enabled`]: 'true',
          [`${CLIENT}.ssl.truststore`]: secured.file('trusted.pem', secured.authority.cert),
          [`${CLIENT}.ssl.keystore`]: secured.file('cluster.pem', `${cert}\n${key}\n`),
        },
      };
    },
  ],
];

test.each(ACCESSES)(
  'a cluster that shows who it is with %s: a stranger reads nothing, a leader is killed',
  async (_, access) => {
    const { configuration, env = {} } = access();
    const settings: Readonly<Record<string, string>> = {
      ...onZooKeeper(secured.ensemble),
      [`${CLIENT}.acl`]: 'creator',
      ...configuration,
    };
    const current = await ClusterUnderTest.start({
      jobManagers: 2,
      taskManagers: 2,
      slots: 1,
      configuration: settings,
      env,
    });
    cluster = current;
    const job = await CountedJob.submit(current);
    await job.checkpointed(2);

    await using opened = new Clients(secured.ensemble.connectString);
    const stranger = await opened.connected();
    const root = settings['high-availability.zookeeper.path.root']!;
    for (const path of ['', '/default', '/default/jobs', '/default/leader/epoch', '/default/leader/connection_info']) {
      expect(await endOf(stranger.get(root + path))).toBe('NO_AUTH');
      expect(await endOf(stranger.children(root + path))).toBe('NO_AUTH');
      expect(await endOf(stranger.delete(root + path))).not.toBe('ok');
    }

    const killed = current.leader!;
    await current.kill(killed);
    await current.until('the other one leads', () => current.leader !== undefined && current.leader !== killed);
    await job.checkpointed();
    await job.finished();
    expect(job.recounted).toEqual(job.exact);
    expect(job.starts).toBe(2);
    Object.values(env).forEach((value) => expect(current.log).not.toContain(value.split(':').at(-1)));
  },
);

test('creator without credentials is refused, and so is a wrong password, with what to do', async () => {
  const current = ClusterUnderTest.create({
    configuration: { ...onZooKeeper(secured.ensemble), [`${CLIENT}.acl`]: 'creator' },
  });
  cluster = current;
  const refused = await current.run('jobmanager');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /client\.acl is creator \(-D\), and nothing says who this process is: set .*sasl\.username/,
  );
  const wrong = await current.run(
    'jobmanager',
    ...['-D', `${CLIENT}.sasl.username=${ALICE.username}`, '-D', `${CLIENT}.sasl.password=guessed`],
  );
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toMatch(/ZooKeeper .*refuses the credentials/);
  expect(wrong.stderr).not.toContain('guessed');
});
