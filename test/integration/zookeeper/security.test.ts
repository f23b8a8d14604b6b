import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificateAuthority, makeHostCertificate } from '../../../src/foundation/security/certificate.ts';
import { connectZooKeeper } from '../../../src/coordination/zookeeper/client/connect-zookeeper.ts';
import { bytes, Clients, endOf, until } from './clients.ts';
import { Ensemble } from './ensemble.ts';

const DAY_MS = 86_400_000;
const validity = { fromMs: Date.now() - DAY_MS, untilMs: Date.now() + DAY_MS };
const authority = makeCertificateAuthority({ name: 'test CA', ...validity });
const stranger = makeCertificateAuthority({ name: 'another CA', ...validity });
const certified = (by: typeof authority, name: string) =>
  makeHostCertificate(by, { name, hosts: ['localhost', '127.0.0.1'], ...validity });

let folder: string;
let ensemble: Ensemble;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zk-security-'));
  const server = certified(authority, 'server');
  const keys = join(folder, 'server.pem');
  const trusted = join(folder, 'ca.pem');
  const logins = join(folder, 'jaas.conf');
  writeFileSync(keys, `${server.key}\n${server.cert}\n`);
  writeFileSync(trusted, authority.cert);
  writeFileSync(
    logins,
    'Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_alice="alice\'s pw" user_bob="b"; };\n',
  );
  ensemble = await Ensemble.start({
    servers: 1,
    jars: ['netty-codec'],
    java: [`-Djava.security.auth.login.config=${logins}`],
    config: ({ secure }) => [
      'authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
      'authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider',
      'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
      `secureClientPort=${secure}`,
      'secureClientPortAddress=127.0.0.1',
      `ssl.keyStore.location=${keys}`,
      `ssl.trustStore.location=${trusted}`,
      'ssl.clientAuth=need',
    ],
  });
});
afterAll(async () => {
  await ensemble?.stop();
  rmSync(folder, { recursive: true, force: true });
});
const clients = (): Clients => new Clients(ensemble.connectString);
const sasl = (username: string, password: string) => ({ mechanism: 'DIGEST-MD5', username, password }) as const;

describe('SASL DIGEST-MD5', () => {
  test('proves who the client is, on each connection', async () => {
    await using opened = clients();
    const alice = await opened.connected({ sasl: sasl('alice', "alice's pw") });
    const acl = [{ scheme: 'sasl', id: 'alice', permissions: ['read', 'write', 'create', 'delete', 'admin'] as const }];
    await alice.create('/alice', bytes('x'), { acl });
    expect((await alice.whoAmI()).map(({ scheme, id }) => `${scheme} ${id}`)).toContain('sasl alice');
    const bob = await opened.connected({ sasl: sasl('bob', 'b') });
    expect(await endOf(bob.get('/alice'))).toBe('NO_AUTH');
    const nobody = await opened.connected();
    expect(await endOf(nobody.get('/alice'))).toBe('NO_AUTH');
    // The same session on a new connection.
    const again = await opened.connected({ sasl: sasl('alice', "alice's pw"), session: alice.session! });
    expect(await endOf(again.get('/alice'))).toBe('ok');
  });

  test.each([
    ['alice', 'guessed'],
    ['mallory', 'x'],
  ])('refuses %s with %s', async (username, password) => {
    await using opened = clients();
    const client = opened.open({ sasl: sasl(username, password) });
    expect(await endOf(client.get('/'))).toBe('AUTH_FAILED');
    expect(client.state).toBe('auth-failed');
  });

  test('Kerberos is refused with a way out', () => {
    expect(() => connectZooKeeper({ connectString: 'a:1', sasl: { mechanism: 'GSSAPI' } })).toThrow(
      /BAD_ARGUMENTS.*Kerberos is not supported: use SASL DIGEST-MD5/,
    );
  });
});

describe('TLS', () => {
  const secure = (host = '127.0.0.1'): string => `${host}:${ensemble.securePortOf(0)}`;

  test('with a certificate of the client, which is an identity too', async () => {
    await using opened = clients();
    const { key, cert } = certified(authority, 'client');
    for (const host of ['127.0.0.1', 'localhost']) {
      const client = await opened.connected({ connectString: secure(host), tls: { ca: authority.cert, key, cert } });
      expect((await client.whoAmI()).map(({ scheme }) => scheme)).toContain('x509');
      await client.sync('/');
    }
    const both = await opened.connected({
      connectString: secure(),
      tls: { ca: authority.cert, key, cert },
      sasl: sasl('bob', 'b'),
    });
    expect((await both.whoAmI()).map(({ scheme }) => scheme)).toEqual(expect.arrayContaining(['x509', 'sasl']));
  });

  test('does not connect without, with a stranger, to a stranger, in plain text, or to another name', async () => {
    await using opened = clients();
    const { key, cert } = certified(authority, 'client');
    const strange = certified(stranger, 'client');
    const attempts = [
      opened.open({ connectString: secure(), tls: { ca: authority.cert } }),
      opened.open({ connectString: secure(), tls: { ca: authority.cert, key: strange.key, cert: strange.cert } }),
      opened.open({ connectString: secure(), tls: { ca: stranger.cert, key, cert } }),
      opened.open({ connectString: secure() }),
      opened.open({ connectString: secure(), tls: { ca: authority.cert, key, cert, serverName: 'other.example' } }),
    ];
    expect(await Promise.all(attempts.map((client) => endOf(client.get('/'))))).toEqual(
      attempts.map(() => 'NOT_CONNECTED'),
    );
    const unverified = opened.open({
      connectString: secure(),
      tls: { ca: stranger.cert, key, cert, verifyServer: false },
    });
    await until(unverified, 'connected');
  });

  test('a key that cannot be read is said at once', () => {
    expect(() => connectZooKeeper({ connectString: 'a:1', tls: { key: 'nonsense' } })).toThrow(/BAD_ARGUMENTS/);
  });
});
