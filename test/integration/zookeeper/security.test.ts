import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LogFields } from '../../../src/foundation/common/logger.ts';
import { systemClock } from '../../../src/foundation/common/system-clock.ts';
import { startZooKeeperThread } from '../../../src/process/zookeeper-thread/zookeeper-thread.ts';
import { connectZooKeeper } from '../../../src/coordination/zookeeper/client/connect-zookeeper.ts';
import { bytes, Clients, endOf, until } from './clients.ts';
import { eventually } from './eventually.ts';
import { ALICE, BOB, SecuredEnsemble } from './secured-ensemble.ts';

let secured: SecuredEnsemble;
beforeAll(async () => {
  secured = await SecuredEnsemble.start();
});
afterAll(() => secured?.stop());
const clients = (): Clients => new Clients(secured.ensemble.connectString);
const sasl = (user: { readonly username: string; readonly password: string }) =>
  ({ mechanism: 'DIGEST-MD5', ...user }) as const;

describe('SASL DIGEST-MD5', () => {
  test('proves who the client is, on each connection', async () => {
    await using opened = clients();
    const alice = await opened.connected({ sasl: sasl(ALICE) });
    const acl = [{ scheme: 'sasl', id: 'alice', permissions: ['read', 'write', 'create', 'delete', 'admin'] as const }];
    await alice.create('/alice', bytes('x'), { acl });
    expect((await alice.whoAmI()).map(({ scheme, id }) => `${scheme} ${id}`)).toContain('sasl alice');
    const bob = await opened.connected({ sasl: sasl(BOB) });
    // Each may be at a server that has not heard of it yet.
    await bob.sync('/alice');
    expect(await endOf(bob.get('/alice'))).toBe('NO_AUTH');
    const nobody = await opened.connected();
    await nobody.sync('/alice');
    expect(await endOf(nobody.get('/alice'))).toBe('NO_AUTH');
    // The same session on a new connection; the first client wants it back, so that either may lose it for a moment.
    const again = await opened.connected({ sasl: sasl(ALICE), session: alice.session! });
    const ends = new Set<string>();
    await eventually('it reads what only alice may read', async () => {
      const end = await endOf(again.get('/alice'));
      ends.add(end);
      return end === 'ok';
    });
    expect(['ok', 'CONNECTION_LOSS']).toEqual(expect.arrayContaining([...ends]));
  });

  test.each([
    ['alice', 'guessed'],
    ['mallory', 'x'],
  ])('refuses %s with %s', async (username, password) => {
    await using opened = clients();
    const client = opened.open({ sasl: sasl({ username, password }) });
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
  const secure = (host?: string): string => secured.secure(host);

  test('with a certificate of the client, which is an identity too', async () => {
    await using opened = clients();
    const { key, cert } = secured.certified('client');
    for (const host of ['127.0.0.1', 'localhost']) {
      const client = await opened.connected({
        connectString: secure(host),
        tls: { ca: secured.authority.cert, key, cert },
      });
      expect((await client.whoAmI()).map(({ scheme }) => scheme)).toContain('x509');
      await client.sync('/');
    }
    const both = await opened.connected({
      connectString: secure(),
      tls: { ca: secured.authority.cert, key, cert },
      sasl: sasl(BOB),
    });
    expect((await both.whoAmI()).map(({ scheme }) => scheme)).toEqual(expect.arrayContaining(['x509', 'sasl']));
  });

  test('does not connect without, with a stranger, to a stranger, in plain text, or to another name', async () => {
    await using opened = clients();
    const { key, cert } = secured.certified('client');
    const strange = secured.certified('client', secured.stranger);
    const attempts = [
      opened.open({ connectString: secure(), tls: { ca: secured.authority.cert } }),
      opened.open({
        connectString: secure(),
        tls: { ca: secured.authority.cert, key: strange.key, cert: strange.cert },
      }),
      opened.open({ connectString: secure(), tls: { ca: secured.stranger.cert, key, cert } }),
      opened.open({ connectString: secure() }),
      opened.open({
        connectString: secure(),
        tls: { ca: secured.authority.cert, key, cert, serverName: 'other.example' },
      }),
    ];
    expect(await Promise.all(attempts.map((client) => endOf(client.get('/'))))).toEqual(
      attempts.map(() => 'NOT_CONNECTED'),
    );
    const unverified = opened.open({
      connectString: secure(),
      tls: { ca: secured.stranger.cert, key, cert, verifyServer: false },
    });
    await until(unverified, 'connected');
  });

  test('a key that cannot be read is said at once', () => {
    expect(() => connectZooKeeper({ connectString: 'a:1', tls: { key: 'nonsense' } })).toThrow(/BAD_ARGUMENTS/);
  });
});

describe('a session in a thread', () => {
  const lines: string[] = [];
  const log = (message: string, fields?: LogFields): void => {
    lines.push(JSON.stringify([message, fields]));
  };
  const thread = startZooKeeperThread({
    clock: systemClock,
    logger: { debug: log, info: log, warn: log, error: log },
    hangMs: 20_000,
  });
  afterAll(() => thread.close());

  test('has its certificates and identities there, and tells no secrets', async () => {
    const { key, cert } = secured.certified('client');
    const [ca, keyBytes] = [Buffer.from(secured.authority.cert), bytes(key)];
    const options = {
      connectString: secured.secure('localhost'),
      tls: { ca, key: keyBytes, cert: Buffer.from(cert) },
      sasl: sasl(ALICE),
      auth: [{ scheme: 'digest', credentials: Buffer.from('me:hush') }],
    };
    const client = thread.connect(options);
    await until(client, 'connected');
    const identities = (await client.whoAmI()).map(({ scheme, id }) => `${scheme} ${id}`);
    expect(identities).toEqual(expect.arrayContaining(['sasl alice', 'digest me']));
    expect(identities.some((each) => each.startsWith('x509 '))).toBe(true);
    // The same session, taken over by another client of the thread.
    const again = thread.connect({ ...options, session: client.session! });
    await until(again, 'connected');
    expect(again.session!.id).toBe(client.session!.id);
    const refused = thread.connect({ ...options, sasl: sasl({ ...ALICE, password: 'guessed' }) });
    const error = await refused.get('/').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'AUTH_FAILED' });
    expect(refused.state).toBe('auth-failed');
    expect(lines.length).toBeGreaterThan(1);
    const said = [...lines, String((error as Error).stack)].join('\n');
    const password = Buffer.from(again.session!.password);
    for (const secret of ['hush', 'guessed', ALICE.password, key, password.toString('hex'), [...password].join()]) {
      expect(said).not.toContain(secret);
    }
    expect(() => thread.connect({ ...options, tls: { key: 'nonsense' } })).toThrow(/BAD_ARGUMENTS/);
  });
});
