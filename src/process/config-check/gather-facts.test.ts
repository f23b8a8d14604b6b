import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Configuration } from '../../foundation/config/configuration.ts';
import { settingsOf } from './ask-zookeeper.ts';
import { gatherFacts } from './gather-facts.ts';
import { placeKindOf } from './place-kind.ts';

let folder: string;
const servers: Server[] = [];
const sockets = new Set<Socket>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-check-'));
});

afterEach(() => {
  sockets.forEach((socket) => socket.destroy());
  servers.splice(0).forEach((server) => server.close());
  rmSync(folder, { recursive: true });
});

const gather = (values: Readonly<Record<string, string>>, changes: Partial<Parameters<typeof gatherFacts>[0]> = {}) =>
  gatherFacts({
    configuration: Configuration.of(values, 'conf/config.yaml:1'),
    file: join(folder, 'config.yaml'),
    manifests: [],
    asksServers: true,
    ...changes,
  });

/** A server that says to each command what is given here, then closes the connection. */
const playServer = async (answer: (command: string) => string | undefined): Promise<string> => {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const said = answer(chunk.toString('latin1').slice(0, 4));
      if (said !== undefined) {
        socket.end(said);
      }
    });
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const answersOf = async (...quorum: string[]) => {
  const values = { 'high-availability.type': 'zookeeper', 'high-availability.zookeeper.quorum': quorum.join(',') };
  const { ensemble } = await gather(values);
  return ensemble.servers.map(({ answer }) => answer);
};

describe('hosts', () => {
  test('are read from masters and workers beside the configuration, with their lines', async () => {
    writeFileSync(join(folder, 'masters'), '# comment\nlocalhost:8081\n\njm2.example.com\n[::1]:8082 # here\n');
    writeFileSync(join(folder, 'workers'), 'tm1\r\nfe80::1\r\n');
    const { jobManagers, taskManagers } = await gather({});
    expect(jobManagers).toEqual([
      { host: 'localhost', origin: `${join(folder, 'masters')}:2` },
      { host: 'jm2.example.com', origin: `${join(folder, 'masters')}:4` },
      { host: '::1', origin: `${join(folder, 'masters')}:5` },
    ]);
    expect(taskManagers?.map(({ host }) => host)).toEqual(['tm1', 'fe80::1']);
  });

  test('are not known where there are no such files', async () => {
    expect(await gather({})).toMatchObject({ jobManagers: undefined, taskManagers: undefined });
    expect(await gather({}, { file: undefined })).toMatchObject({ jobManagers: undefined });
  });
});

describe('places', () => {
  test.each([
    ['/tmp/flink/recovery', 'temporary'],
    ['file:///tmp/flink/recovery', 'temporary'],
    ['/var/tmp/x', 'temporary'],
    ['memory://x', 'memory'],
    ['hdfs:///flink/ha/', 'unsupported'],
    ['s3://test/ha', 'unsupported'],
    ['file:relative', 'unreadable'],
    ['nonsense://x', 'unreadable'],
    ['/etc/no/such/folder', 'local'],
  ])('%s is %s', (place, kind) => {
    expect(placeKindOf(place)).toBe(kind);
  });

  test.skipIf(!existsSync('/dev/shm'))('a folder of a tmpfs is in memory, also behind a link', () => {
    expect(placeKindOf('/dev/shm/not/there/yet')).toBe('memory');
    mkdirSync(join(folder, 'linked'));
    symlinkSync('/dev/shm', join(folder, 'linked', 'shm'));
    expect(placeKindOf(join(folder, 'linked', 'shm'))).toBe('memory');
  });

  test('are those of the options, under whatever name', async () => {
    const { places } = await gather({
      'high-availability.storage-dir': 'file:///tmp/x',
      'state.checkpoints.dir': 's3://x',
    });
    expect([...places]).toEqual([
      ['high-availability.storageDir', 'temporary'],
      ['execution.checkpointing.dir', 'unsupported'],
    ]);
  });
});

describe('servers', () => {
  test('say who they are and what they are set to', async () => {
    const settings =
      'tickTime=2000\nminSessionTimeout=4000\nmaxSessionTimeout=40000\nsyncLimit=5\nserver.1=a:1:2:participant\n';
    const server = await playServer((command) => (command === 'srvr' ? 'Mode: leader\n' : settings));
    expect(await answersOf(server)).toEqual([
      {
        failure: undefined,
        mode: 'leader',
        settings: { tickTimeMs: 2000, minSessionTimeoutMs: 4000, maxSessionTimeoutMs: 40_000, syncLimit: 5, voters: 1 },
        grantedTimeoutMs: undefined,
      },
    ]);
  });

  test('that cannot be asked are named with the reason, the others answer', async () => {
    const closed = await playServer(() => '');
    const cut = await playServer(() => 'This ZooKeeper instance is not currently serving requests\n');
    const flood = await playServer(() => 'x'.repeat(200_000));
    const refusing = await playServer(
      (command) => ({ srvr: 'Mode: follower\n', conf: 'conf is not executed\n' })[command] ?? '',
    );
    const gone = await playServer(() => '');
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const answers = await answersOf(closed, cut, flood, refusing, 'no-such-host.invalid:2181', gone);
    expect(answers.map((answer) => answer?.failure)).toEqual([
      'it closed the connection without an answer to srvr',
      'it does not serve, for it has no majority of its ensemble',
      'it answers with too much to be a ZooKeeper server',
      'it closed the connection instead of opening a session',
      expect.stringMatching(/nobody knows a host of this name|the name servers do not answer/),
      expect.stringContaining('ECONNREFUSED'),
    ]);
    expect(answers[3]?.mode).toBe('follower');
  });

  test('that are silent are not waited for', async () => {
    const silent = await playServer(() => undefined);
    expect(await answersOf(silent)).toEqual([
      expect.objectContaining({ failure: 'it does not answer within 2000 ms', mode: undefined }),
    ]);
  });

  test('are not asked offline, and none of them twice', async () => {
    const values = { 'high-availability.type': 'zookeeper', 'high-availability.zookeeper.quorum': 'a:1,a:1,b' };
    const { ensemble } = await gather(values, { asksServers: false });
    expect(ensemble).toEqual({
      servers: [
        { host: 'a', port: 1, answer: undefined },
        { host: 'b', port: 2181, answer: undefined },
      ],
      problem: undefined,
    });
  });

  test('that cannot be read are a problem', async () => {
    const values = { 'high-availability.type': 'zookeeper', 'high-availability.zookeeper.quorum': 'a b' };
    expect((await gather(values)).ensemble).toEqual({ servers: [], problem: expect.stringContaining("'a b'") });
  });

  test('whose observers do not vote', () => {
    const text =
      'tickTime=200\nmembership: \nserver.1=a:1:2:participant\nserver.2=b:1:2:observer\nserver.3=c:1:2\nversion=0';
    expect(settingsOf(text)).toEqual({
      tickTimeMs: 200,
      minSessionTimeoutMs: -1,
      maxSessionTimeoutMs: -1,
      syncLimit: undefined,
      voters: 2,
    });
    expect(settingsOf('conf is not executed because it is not in the whitelist.')).toBeUndefined();
  });
});

test('a manifest that is not there is an error', async () => {
  await expect(gather({}, { manifests: [join(folder, 'none.yaml')] })).rejects.toThrow(
    expect.objectContaining({ code: 'FILE_NOT_FOUND' }),
  );
});
