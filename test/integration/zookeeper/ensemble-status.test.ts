import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parseConnectString } from '../../../src/coordination/zookeeper/client/connect-string.ts';
import { askEnsemble, type EnsembleStatus } from '../../../src/coordination/zookeeper/ensemble/ensemble-status.ts';
import { systemClock } from '../../../src/foundation/common/system-clock.ts';
import { makeCertificateAuthority, makeHostCertificate } from '../../../src/foundation/security/certificate.ts';
import { bytes, Clients } from './clients.ts';
import { Ensemble, type EnsembleOptions } from './ensemble.ts';
import { eventually } from './eventually.ts';

let ensemble: Ensemble | undefined;

afterEach(async () => {
  await ensemble?.stop();
  ensemble = undefined;
});

const start = async (options: EnsembleOptions): Promise<Ensemble> => {
  ensemble = await Ensemble.start(options);
  return ensemble;
};

const ask = (of: Ensemble): Promise<EnsembleStatus> =>
  askEnsemble({ servers: parseConnectString(of.connectString).servers, clock: systemClock, timeoutMs: 1_000 });

const temporaryFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'ensemble-status-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

const modesOf = ({ servers }: EnsembleStatus): string[] => servers.map(({ mode }) => mode);

/** Elections, and news of them, take their time. */
const becoming = async (of: Ensemble, what: string, holds: (status: EnsembleStatus) => boolean) => {
  let status = await ask(of);
  await eventually(
    what,
    async () => {
      status = await ask(of);
      return holds(status);
    },
    { explain: () => JSON.stringify(status, undefined, 2) },
  );
  return status;
};

describe('an ensemble whose servers all serve', () => {
  test.each([
    { servers: 1, quorum: 1, mayFail: 0 },
    { servers: 2, quorum: 2, mayFail: 0 },
    { servers: 3, quorum: 2, mayFail: 1 },
    { servers: 5, quorum: 3, mayFail: 2 },
  ])('of $servers has a quorum of $quorum and bears the loss of $mayFail', async ({ servers, quorum, mayFail }) => {
    const started = await start({ servers });
    const status = await ask(started);
    const leader = servers === 1 ? 'standalone' : 'leader';
    expect(status).toMatchObject({ state: 'works', voters: servers, quorum, serving: servers, mayFail, problems: [] });
    expect(modesOf(status).toSorted()).toEqual([...Array.from({ length: servers - 1 }, () => 'follower'), leader]);
    expect(status.servers.find(({ mode }) => mode === leader)?.address).toBe(status.leader);
    for (const server of status.servers) {
      expect(server.version).toMatch(/^3\.\d+\.\d+/);
      expect(server.latencyMs?.max).toBeGreaterThanOrEqual(0);
      expect(server.connections).toBeGreaterThanOrEqual(1);
      expect(server.znodes).toBeGreaterThanOrEqual(4);
      expect(server.behind).toBe(0);
      expect(server.watches).toBe(0);
    }
  });

  test('and what they hold', async () => {
    const started = await start({ servers: 3 });
    await using clients = new Clients(started.connectString);
    const client = await clients.connected();
    const before = await ask(started);
    await client.create('/kept', bytes('x'));
    await client.create('/gone-with-me', bytes('x'), { mode: 'ephemeral' });
    const after = await becoming(started, 'all of them have it', ({ servers }) =>
      servers.every(({ behind, ephemerals }) => behind === 0 && ephemerals === 1),
    );
    expect(after.servers.map(({ znodes }) => znodes)).toEqual(before.servers.map(({ znodes = 0 }) => znodes + 2));
    const connections = (status: EnsembleStatus): number =>
      status.servers.reduce((sum, { connections: own = 0 }) => sum + own, 0);
    expect(connections(after), 'of the client, and three that ask').toBe(4);
  });
});

test('three of which one is killed, then another, then both are back', async () => {
  const started = await start({ servers: 3 });
  const leader = await started.leader();
  const [first, second] = [0, 1, 2].filter((server) => server !== leader) as [number, number];
  await started.kill(first);
  const less = await ask(started);
  expect(less).toMatchObject({ state: 'works', voters: 3, quorum: 2, serving: 2, mayFail: 0 });
  expect(less.servers[first]).toEqual({
    address: `127.0.0.1:${started.portOf(first)}`,
    mode: 'unreachable',
    detail: 'ECONNREFUSED',
  });
  await started.kill(second);
  const lost = await becoming(started, 'the last one serves no more', ({ servers }) =>
    servers.some(({ mode }) => mode === 'not-serving'),
  );
  expect(lost).toMatchObject({ state: 'no-leader', quorum: 2, serving: 0, mayFail: 0 });
  expect(lost.leader).toBeUndefined();
  expect(lost.servers[leader]).toMatchObject({ mode: 'not-serving', detail: 'it runs, and no leader serves it' });
  started.restart(first);
  started.restart(second);
  await becoming(
    started,
    'all three serve',
    ({ state, serving, mayFail }) => [state, serving, mayFail].join() === 'works,3,1',
  );
});

test('three of which a follower, and then the leader, is frozen', async () => {
  const started = await start({ servers: 3 });
  const leader = await started.leader();
  const follower = (leader + 1) % 3;
  started.pause(follower);
  const less = await ask(started);
  expect(less).toMatchObject({ state: 'works', serving: 2, mayFail: 0, leader: `127.0.0.1:${started.portOf(leader)}` });
  expect(less.servers[follower]).toMatchObject({ mode: 'unreachable', detail: expect.stringContaining('frozen') });
  started.resume(follower);
  await becoming(started, 'it serves again', ({ mayFail }) => mayFail === 1);
  started.pause(leader);
  const replaced = await becoming(started, 'another one leads', ({ state }) => state === 'works');
  expect(replaced.leader).not.toBe(`127.0.0.1:${started.portOf(leader)}`);
  expect(replaced.servers[leader]?.mode).toBe('unreachable');
  started.resume(leader);
  await becoming(started, 'the old one follows', ({ servers }) => servers[leader]?.mode === 'follower');
});

test('three that none can be reached of', async () => {
  const started = await start({ servers: 3 });
  await Promise.all([0, 1, 2].map((server) => started.kill(server)));
  expect(await ask(started)).toMatchObject({ state: 'not-known', serving: 0, mayFail: 0 });
});

test('a server that takes srvr alone, as it does by default, and a port that speaks TLS', async () => {
  await using folder = await temporaryFolder();
  const validity = { fromMs: Date.now() - 1_000_000, untilMs: Date.now() + 1_000_000 };
  const authority = makeCertificateAuthority({ name: 'test CA', ...validity });
  const { key, cert } = makeHostCertificate(authority, { name: 'zk', hosts: ['127.0.0.1'], ...validity });
  const [keys, trusted] = [join(folder.path, 'server.pem'), join(folder.path, 'ca.pem')];
  await writeFile(keys, `${key}\n${cert}\n`);
  await writeFile(trusted, authority.cert);
  const started = await start({
    servers: 1,
    jars: ['netty-codec'],
    config: ({ secure }) => [
      '4lw.commands.whitelist=srvr',
      'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
      `secureClientPort=${secure}`,
      'secureClientPortAddress=127.0.0.1',
      `ssl.keyStore.location=${keys}`,
      `ssl.trustStore.location=${trusted}`,
      'ssl.clientAuth=need',
    ],
  });
  const plain = await ask(started);
  expect(plain).toMatchObject({ state: 'works', servers: [{ mode: 'standalone' }] });
  expect(plain.servers[0]?.watches, 'which mntr would tell').toBeUndefined();
  const secure = [{ host: '127.0.0.1', port: started.securePortOf(0) }];
  expect(await askEnsemble({ servers: secure, clock: systemClock })).toMatchObject({
    state: 'not-known',
    unasked: 1,
    servers: [{ mode: 'tls-only' }],
  });
});
