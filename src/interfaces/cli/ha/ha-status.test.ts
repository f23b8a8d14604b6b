import { afterEach, describe, expect, test } from 'vitest';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { highAvailabilityOptions } from '../../../foundation/config/options/high-availability-options.ts';
import { closeServers, startServer } from '../../rest/test-support/asked-server.ts';
import type { Standbys } from '../../../runtime/protocol/standbys.ts';
import { FakeGateway } from '../../rest/test-support/fake-gateway.ts';
import { run, type Ran } from '../cluster/test-support/run-cli.ts';
import type { EnsembleServer, HaEnsemble, HaStore } from './ha-status.ts';

afterEach(closeServers);

const leaderAt = (restAddress: string): HaStore['leader'] => ({
  restAddress,
  sessionId: new FakeGateway().leadership.sessionId,
  epoch: 3,
  grantedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  falseAlarms: 0,
});

const serving = (port: number, changes: Partial<EnsembleServer> = {}): EnsembleServer => ({
  address: `127.0.0.1:${port}`,
  mode: 'follower',
  version: '3.8.0',
  latencyMs: { min: 0, avg: 0.25, max: 12 },
  connections: 2,
  znodes: 25,
  zxid: '0x100000007',
  behind: 0,
  ...changes,
});

const three: HaEnsemble = {
  state: 'works',
  leader: '127.0.0.1:2181',
  voters: 3,
  quorum: 2,
  serving: 3,
  unasked: 0,
  mayFail: 1,
  problems: [],
  servers: [serving(2181, { mode: 'leader' }), serving(2182, { behind: 4 }), serving(2183)],
};

const status = async (store: Partial<HaStore>, ...flags: string[]): Promise<Ran> =>
  run(['ha', 'status', ...flags], {
    readHaStore: () =>
      Promise.resolve({
        type: 'zookeeper',
        clusterId: '/default',
        obstacle: undefined,
        leader: undefined,
        jobs: [],
        orphans: { paths: [], obstacle: undefined },
        ensemble: three,
        ...store,
      }),
  });

const STANDBY = { instanceId: 'two', rpcAddress: '127.0.0.1:6124', restAddress: 'http://127.0.0.1:8082' };
const warm = { jobs: 2, isCurrent: true, hasRehearsed: true };

const living = async (standbys: Standbys['standbys'] = [{ ...STANDBY, state: warm }]): Promise<string> => {
  const gateway = new FakeGateway();
  gateway.standingBy = standbys;
  return (await startServer(gateway)).server.address;
};

describe('a cluster whose leader answers', () => {
  test('on an ensemble that bears the loss of a server is healthy', async () => {
    const address = await living();
    const { code, stdout, stderr } = await status({ leader: leaderAt(address) });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.split('\n')).toEqual([
      'High availability works',
      'high-availability.type: zookeeper, high-availability.cluster-id: /default',
      'HA store: answers',
      `leader: ${address}, epoch 3, since 2026-01-02T03:04:05.000Z`,
      'standby: http://127.0.0.1:8082, warm: 2 jobs read ahead, takeover practised',
      'jobs: none',
      'ZooKeeper ensemble: 3 servers, quorum 2, 3 of them serve; 127.0.0.1:2181 leads, 1 more may fail',
      'Server          Mode      Latency ms min/avg/max  Connections  Znodes  Zxid         Behind  Version',
      '127.0.0.1:2181  leader    0/0.3/12                2            25      0x100000007  0       3.8.0',
      '127.0.0.1:2182  follower  0/0.3/12                2            25      0x100000007  4       3.8.0',
      '127.0.0.1:2183  follower  0/0.3/12                2            25      0x100000007  0       3.8.0',
      '',
    ]);
  });

  test('on an ensemble that bears no loss is at risk', async () => {
    const gone = { address: '127.0.0.1:2183', mode: 'unreachable', detail: 'ECONNREFUSED' };
    const two = { ...three, serving: 2, mayFail: 0, servers: [...three.servers.slice(0, 2), gone] };
    const { code, stdout } = await status({ leader: leaderAt(await living()), ensemble: two });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^High availability works, and one more failure stops it$/m);
    expect(stdout).toContain('0 more may fail');
    expect(stdout).toMatch(/^127\.0\.0\.1:2183 +unreachable +- +- +- +- +- +-$/m);
    expect(stdout).toMatch(/^127\.0\.0\.1:2183: ECONNREFUSED$/m);
  });

  test('on an ensemble that takes no questions is not known', async () => {
    const mute = { ...three, state: 'not-known', serving: 0, unasked: 3, mayFail: 0 } as const;
    const { code, stdout } = await status({ leader: leaderAt(await living()), ensemble: mute });
    expect([code, stdout]).toEqual([3, expect.stringContaining('who leads is not known')]);
  });

  test('without an ensemble is healthy, also where it wants a token', async () => {
    const plain = { type: 'embedded', ensemble: undefined };
    const { code, stdout } = await status({ ...plain, leader: leaderAt(await living()) });
    expect([code, stdout]).toEqual([0, expect.not.stringContaining('ZooKeeper')]);
    const access = { token: '0123456789abcdef', allowedOrigins: [], hostNames: undefined };
    const { server } = await startServer(new FakeGateway(), { access });
    expect((await status({ ...plain, leader: leaderAt(server.address) })).code).toBe(0);
  });
});

describe('standbys', () => {
  const plain = { type: 'embedded', ensemble: undefined };

  test('that are missing put the cluster at risk', async () => {
    const { code, stdout } = await status({ ...plain, leader: leaderAt(await living([])) });
    expect([code, stdout]).toEqual([1, expect.stringContaining('standby: none; when the leader dies')]);
  });

  test.each([
    [{ hasRehearsed: true, isCurrent: false }, 'cold: it has not read ahead yet'],
    [{ ...warm, jobs: 1, isCurrent: false }, 'warm: 1 job read ahead, reading on, takeover practised'],
    [{ ...warm, hasRehearsed: false }, '2 jobs read ahead, takeover not practised yet'],
  ])('say how warm they are: %j', async (state, says) => {
    const { code, stdout } = await status({ ...plain, leader: leaderAt(await living([{ ...STANDBY, state }])) });
    expect([code, stdout]).toEqual([0, expect.stringContaining(`standby: http://127.0.0.1:8082, ${says}\n`)]);
  });
});

test('jobs are shown with what they would go on from, and files that nothing points to', async () => {
  const checkpoint = { id: 7, kind: 'checkpoint', path: '/shared/chk-7/_metadata' } as const;
  const { stdout } = await status({
    leader: leaderAt(await living()),
    jobs: [
      { jobId: 'a'.repeat(32), jobName: 'clicks', checkpoint },
      { jobId: 'b'.repeat(32), jobName: 'orders', checkpoint: { ...checkpoint, kind: 'savepoint' } },
      { jobId: 'c'.repeat(32), jobName: undefined, checkpoint: undefined },
    ],
    orphans: { paths: [`/shared/default/${'d'.repeat(32)}`], obstacle: undefined },
  });
  expect(stdout).toMatch(/^a{32} +clicks +7 +\/shared\/chk-7\/_metadata$/m);
  expect(stdout).toMatch(/^b{32} +orders +7 \(savepoint\) +\/shared/m);
  expect(stdout).toMatch(/^c{32} +\? \(what the store has of it cannot be read\) +none +-$/m);
  expect(stdout).toMatch(/^nothing points to \/shared\/default\/d{32}: /m);
  const away = { paths: [], obstacle: 'the folder /shared is not there' };
  const { stdout: without } = await status({ leader: leaderAt(await living()), orphans: away });
  expect(without).toMatch(/^files that nothing points to: the folder \/shared is not there$/m);
});

describe('a cluster without a leader', () => {
  test('says so, of the ensemble and of itself', async () => {
    const lost = { ...three, state: 'no-leader', serving: 0, mayFail: 0 } as const;
    const { leader: _, ...ensemble } = lost;
    const without = await status({ ensemble, obstacle: 'the ensemble has no leader' });
    expect([without.code, without.stdout]).toEqual([2, expect.stringContaining('no leader: 2 more have to serve')]);
    expect(without.stdout).toMatch(/^Nobody leads$/m);
    const none = await status({});
    expect([none.code, none.stdout]).toEqual([2, expect.stringContaining('leader: none')]);
  });

  test('or with one that is named and gone', async () => {
    const { server } = await startServer();
    await server.close();
    const { code, stdout } = await status({ leader: leaderAt(server.address) });
    expect([code, stdout]).toEqual([2, expect.stringContaining('the leader does not answer: ')]);
    const moved = await status({ leader: { ...leaderAt(await living())!, sessionId: 'of somebody else' } });
    expect([moved.code, moved.stdout]).toEqual([2, expect.stringContaining('another one answers at its address')]);
  });
});

test('what cannot be asked is never taken for something that works', async () => {
  const { code, stdout } = await status({ obstacle: 'the folder /ha is not there', ensemble: undefined });
  expect([code, stdout]).toEqual([3, expect.stringContaining('HA store: the folder /ha is not there')]);
  const refused = await run(['ha', 'status'], {
    readHaStore: () => Promise.reject(new MillraceError('BAD_OPTION', 'there is no HA store')),
  });
  expect([refused.code, refused.stderr]).toEqual([3, 'millrace: there is no HA store\n']);
  expect((await run(['ha', 'status', '-D', 'high-availability.type=nonsense'])).code).toBe(3);
});

test('the cluster of this machine is meant where no other is named', async () => {
  const types: string[] = [];
  await run(['ha', 'status'], {
    startedCluster: () => Promise.resolve({ 'high-availability.type': 'embedded' }),
    readHaStore: (configuration) => {
      types.push(configuration.get(highAvailabilityOptions.type));
      return Promise.reject(new Error('enough'));
    },
  });
  expect(types).toEqual(['embedded']);
});

test('as JSON, with all figures', async () => {
  const { code, stdout } = await status({ leader: leaderAt(await living()) }, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ health: 'healthy', type: 'zookeeper', ensemble: three });
});

test('an ensemble of an even number is told what it costs', async () => {
  const { stdout } = await status({ leader: leaderAt(await living()), ensemble: { ...three, voters: 4, quorum: 3 } });
  expect(stdout).toContain('4 servers bear no more failures than 3: an odd number is cheaper');
});
