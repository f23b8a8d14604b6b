import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { makeCertificateAuthority, makeHostCertificate } from '../../../foundation/security/certificate.ts';
import { parseConnectString } from '../client/connect-string.ts';
import { askEnsemble } from './ensemble-status.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  sockets.forEach((socket) => socket.destroy());
  sockets.clear();
  await Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done))));
});

const listening = async (server: Server): Promise<string> => {
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** Something on a port that does this with what it is asked. */
const playing = (answer: (word: string, socket: Socket) => void): Promise<string> =>
  listening(
    createServer((socket) => {
      socket.once('data', (bytes: Buffer) => answer(bytes.toString('latin1'), socket));
    }),
  );

const ask = (quorum: string) =>
  askEnsemble({ servers: parseConnectString(quorum).servers, clock: systemClock, timeoutMs: 300 });

test('says how far each is behind, also across the beginning of an epoch', async () => {
  const at = (zxid: string, mode: string) =>
    playing((word, socket) => socket.end(word === 'srvr' ? `Zxid: ${zxid}\nMode: ${mode}\n` : 'not executed'));
  const all = [
    await at('0x200000005', 'leader'),
    await at('0x200000003', 'follower'),
    await at('0x1000000ff', 'follower'),
  ];
  const { servers: said, leader, mayFail } = await ask(all.join());
  expect(said.map(({ zxid, behind }) => [zxid, behind])).toEqual([
    ['0x200000005', 0],
    ['0x200000003', 2],
    ['0x1000000ff', 5],
  ]);
  expect([leader, mayFail]).toEqual([all[0], 1]);
});

test('asks mntr where srvr is refused', async () => {
  const server = await playing((word, socket) =>
    socket.end(
      word === 'srvr' ? 'srvr is not executed because it is not in the whitelist.\n' : 'zk_server_state\tstandalone\n',
    ),
  );
  expect((await ask(server)).servers).toEqual([{ address: server, mode: 'standalone' }]);
  const mute = await playing((word, socket) =>
    socket.end(`${word} is not executed because it is not in the whitelist.\n`),
  );
  expect((await ask(mute)).servers).toEqual([
    { address: mute, mode: 'refuses-words', detail: 'srvr is not in its 4lw.commands.whitelist' },
  ]);
});

test('does not wait for who is silent, stutters or never ends, and takes no more than so much of it', async () => {
  const silent = await playing(() => {});
  const stuttering = await playing((_, socket) => {
    socket.write('Mode: lea');
  });
  const endless = await playing((_, socket) => {
    const more = (): void => {
      while (socket.writable && socket.write('x'.repeat(65_536))) {
        // Until it is full.
      }
    };
    socket.on('drain', more);
    more();
  });
  const closing = await playing((_, socket) => socket.destroy());
  const startMs = performance.now();
  const { state, servers: said } = await ask([silent, stuttering, endless, closing].join());
  expect(performance.now() - startMs).toBeLessThan(5_000);
  expect(said.map(({ mode, detail }) => [mode, detail])).toEqual([
    ['unreachable', 'took the connection and did not answer within 300 ms: frozen, or cut off'],
    ['not-understood', "it answered 'Mode: lea': is it a ZooKeeper server?"],
    ['not-understood', `it answered '${'x'.repeat(60)} ...': is it a ZooKeeper server?`],
    ['unreachable', 'closed the connection without an answer'],
  ]);
  expect(state).toBe('not-known');
  // Not for as long as it may take: it has said enough.
  const patient = { servers: parseConnectString(endless).servers, clock: systemClock, timeoutMs: 600_000 };
  expect((await askEnsemble(patient)).servers[0]?.mode).toBe('not-understood');
});

test('says that nobody listens, and of names that nobody knows that too; names each server once', async () => {
  const server = createServer();
  const gone = await listening(server);
  await new Promise((done) => server.close(done));
  const { servers: said, voters } = await ask(`${gone},${gone},no-such-host.invalid:2181`);
  expect(voters).toBe(2);
  expect(said).toEqual([
    { address: gone, mode: 'unreachable', detail: 'ECONNREFUSED' },
    { address: 'no-such-host.invalid:2181', mode: 'unreachable', detail: expect.stringMatching(/\w/) },
  ]);
});

test('tells a port that speaks TLS, also one that wants a certificate, from one that is frozen', async () => {
  const validity = { fromMs: Date.now() - 1_000_000, untilMs: Date.now() + 1_000_000 };
  const authority = makeCertificateAuthority({ name: 'test CA', ...validity });
  const { key, cert } = makeHostCertificate(authority, { name: 'zk', hosts: ['127.0.0.1'], ...validity });
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const requestCert of [false, true]) {
      const options = { key, cert, ca: authority.cert, requestCert, rejectUnauthorized: requestCert, maxVersion };
      const server = createTlsServer(options, (socket) => socket.on('error', () => {}));
      server.on('tlsClientError', () => {});
      const { servers: said } = await ask(await listening(server));
      expect(said[0]?.mode, `${maxVersion}, ${requestCert}`).toBe('tls-only');
    }
  }
});
