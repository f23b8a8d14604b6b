import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { encodeHello } from '../../src/runtime/network/tcp/connection-hello.ts';
import { PROTOCOL_VERSION } from '../../src/runtime/protocol/protocol-version.ts';
import { encodeHandshake } from '../../src/runtime/rpc/handshake-message.ts';
import { listeningPorts } from '../chaos/listening-ports.ts';
import { starts } from '../chaos/recount.mjs';
import { folderWith, millrace } from '../cli/millrace-process.ts';
import { FourHosts, hostOf, type ProcessName } from './four-hosts.ts';

const VISITOR = fileURLToPath(new URL('visitor.mjs', import.meta.url));

let hosts: FourHosts | undefined;

afterEach(async () => {
  await hosts?.close();
  hosts = undefined;
});

const PROCESSES: readonly ProcessName[] = ['jobmanager-b', 'jobmanager-a', 'taskmanager-c', 'taskmanager-d'];

/** A job whose tasks are on C and D. */
const startJob = async (made: FourHosts): Promise<string> => {
  hosts = made;
  PROCESSES.forEach((name) => made.start(name));
  await made.registered(2);
  const jobId = await made.cluster.submit('counted.ts', made.work, '1000000', '10', '4');
  await made.checkpointed(jobId, 1);
  return jobId;
};

/** How a conversation begins, in each language that a process of a cluster understands. */
const BEGINNINGS = [
  encodeHandshake({
    kind: 'hello',
    protocolVersion: PROTOCOL_VERSION,
    body: { packageVersion: '0', clusterId: 'any', role: 'client', instanceId: 'visitor', resourceId: 'visitor' },
  }),
  encodeHello({
    clusterId: 'any',
    from: { instanceId: 'visitor', thread: 0 },
    to: { instanceId: 'somebody', thread: 0 },
  }),
  Buffer.from('GET /config HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'),
].map((bytes) => Buffer.from(bytes).toString('hex'));

interface Visit {
  readonly host: string;
  readonly port: number;
  readonly end: 'answered' | 'refused' | 'silence';
}

interface Tls {
  readonly key?: string;
  readonly cert?: string;
}

/** Says each beginning at each port at which a process of the cluster listens, from host A. */
const visits = async ({ cluster, network }: FourHosts, tls?: Tls): Promise<readonly Visit[]> => {
  const ports = PROCESSES.flatMap((name) =>
    listeningPorts(cluster.pidOf(name)!).map((port) => ({ host: network.addressOf(hostOf(name)), port })),
  );
  // Two of the control plane with one of REST each, and two TaskManagers with a data port for each of two slots.
  expect(ports).toHaveLength(2 * 2 + 2 * 3);
  const request = { tls, visits: ports.flatMap((port) => BEGINNINGS.map((hex) => ({ ...port, hex }))) };
  const [program, ...args] = [...network.on('a'), process.execPath, VISITOR, JSON.stringify(request)];
  const { stdout } = await promisify(execFile)(program, args);
  return JSON.parse(stdout) as readonly Visit[];
};

const answered = (all: readonly Visit[]): ReadonlySet<string> =>
  new Set(all.filter(({ end }) => end === 'answered').map(({ host, port }) => `${host}:${port}`));

test('with certificates the job runs, a client needs one too, and whoever has none is refused at every port', async () => {
  const made = await FourHosts.withCertificates();
  const jobId = await startJob(made);
  const { cluster, work } = made;
  const before = starts(work);

  const plain = await visits(made);
  expect(plain.filter(({ end }) => end !== 'refused')).toEqual([]);
  const nameless = await visits(made, {});
  expect(nameless.filter(({ end }) => end !== 'refused')).toEqual([]);
  const folder = join(await folderWith({}), 'others');
  await millrace(['certs', folder, '10.231.7.1'], { cwd: join(folder, '..') });
  const pem = await readFile(join(folder, 'host-10.231.7.1.pem'), 'utf8');
  const strange = await visits(made, { key: pem, cert: pem });
  expect(strange.filter(({ end }) => end !== 'refused')).toEqual([]);
  expect(cluster.logOf('jobmanager-b')).toMatch(/does not use TLS/);
  expect(cluster.logOf('jobmanager-b')).toMatch(/has no certificate/);
  expect(cluster.logOf('jobmanager-b')).toMatch(/not trusted/);

  const off = ['-D', 'security.ssl.internal.enabled=false', '-D', 'security.ssl.rest.enabled=false'];
  const list = await cluster.run('list', ...off, '-D', 'security.ssl.rest.authentication-enabled=false');
  expect(list).toMatchObject({ code: 1 });
  expect(await cluster.run('hosts check')).toMatchObject({ code: 0, stderr: '' });
  expect(starts(work)).toBe(before);
  expect(await made.stopped(jobId)).toMatchObject({ repeated: 0, missing: 0, unexpected: 0 });
});

test('without certificates each of these ports answers; REST beyond loopback wants a token, and does not start without one', async () => {
  const made = new FourHosts();
  await startJob(made);
  const { cluster } = made;
  const all = await visits(made);
  expect(answered(all).size).toBe(all.length / BEGINNINGS.length);

  const stranger = await cluster.run('list', '-D', 'security.rest.auth-token=not-the-token-of-the-cluster');
  expect(stranger).toMatchObject({ code: 1, stderr: expect.stringContaining('wants a token') });
  expect(await cluster.run('list')).toMatchObject({ code: 0 });
  const open = ['-D', 'rest.bind-address=0.0.0.0', '-D', 'jobmanager.rpc.port=0'];
  const unguarded = await millrace(['jobmanager', ...cluster.settings, ...open], { cwd: cluster.folder });
  expect(unguarded).toMatchObject({ code: 1, stderr: expect.stringContaining('could run code here') });
});
