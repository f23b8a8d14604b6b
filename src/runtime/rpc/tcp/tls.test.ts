import { X509Certificate } from 'node:crypto';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TlsIdentity } from '../../../foundation/security/tls-identity.ts';
import type { RpcLimits } from '../rpc-limits.ts';
import { TcpWorld } from '../test-support/tcp-world.ts';
import { testAuthority, testIdentity } from '../test-support/test-certificates.ts';
import type { TestProcess } from '../test-support/transport-world.ts';

const authority = testAuthority();
const identity = testIdentity(authority);

describe('mutual TLS', () => {
  let world: TcpWorld;
  beforeEach(() => {
    world = new TcpWorld();
  });
  afterEach(() => world.dispose());

  const serve = async (tls: TlsIdentity | undefined): Promise<TestProcess> => {
    const server = world.process({ role: 'jobmanager' }, {}, tls);
    await server.listen();
    return server;
  };

  /** What the client is told, and what the server logs. */
  const refusal = async (server: TestProcess, tls: TlsIdentity | undefined): Promise<string> => {
    const thrown: unknown = await world
      .process({}, {}, tls)
      .connect(server)
      .catch((error: unknown) => error);
    await world.until(() => server.log.length > 0, 'a line in the log of the server');
    expect(server.connections).toEqual([]);
    return `client: ${(thrown as Error).message}\nserver: ${server.log.join('\n')}`;
  };

  test('connects processes with certificates of one CA, whatever host they name', async () => {
    const server = await serve(identity);
    const here = await world.process({}, {}, testIdentity(authority)).connect(server);
    expect(await here.call('double', { value: 2 })).toEqual({ value: 4 });
  });

  test('refuses a client that does not use it', async () => {
    const text = await refusal(await serve(identity), undefined);
    expect(text).toMatch(/client: .*its log may say why .*security.ssl.internal.enabled on one side only/);
    expect(text).toMatch(/server: .*does not use TLS/);
  });

  test('refuses a server that does not use it', async () => {
    const text = await refusal(await serve(undefined), identity);
    expect(text).toMatch(/client: .*security.ssl.internal/);
    expect(text).toMatch(/server: .*uses TLS, this process does not/);
  });

  test('refuses certificates of another CA', async () => {
    const stranger = testIdentity(testAuthority('other CA'));
    const distrusting = await refusal(await serve(identity), stranger);
    expect(distrusting).toMatch(/client: the certificate of .* is not trusted .*security.ssl.internal.truststore/);
    const trusting = await refusal(await serve(identity), { ...stranger, ca: authority.cert });
    expect(trusting).toMatch(/server: .*is not trusted .*security.ssl.internal.truststore/);
  });

  test('refuses certificates that are out of their time', async () => {
    const text = await refusal(await serve(identity), testIdentity(authority, Date.now() - 1000));
    expect(text).toMatch(/server: .*CERT_HAS_EXPIRED/);
  });

  test('refuses a client without a certificate', async () => {
    const server = await serve(identity);
    const { port } = server.listener!.address;
    const socket = connectTls({ port, host: '127.0.0.1', ca: authority.cert, checkServerIdentity: () => undefined });
    socket.on('error', () => {});
    await world.until(() => server.log.length > 0);
    expect(server.log[0]).toMatch(/has no certificate/);
  });

  test('takes one certificate only where its fingerprint is set', async () => {
    const pinned = { ...identity, fingerprint: new X509Certificate(identity.cert).fingerprint256 };
    const server = await serve(pinned);
    const here = await world.process({}, {}, pinned).connect(server);
    expect(await here.call('echo', 1)).toBe(1);
    here.close();
    await world.until(() => server.connections.splice(0).length > 0);
    expect(await refusal(server, testIdentity(authority))).toMatch(/server: .*has a certificate with fingerprint/);
    const sha1 = new X509Certificate(identity.cert).fingerprint.replaceAll(':', '').toLowerCase();
    expect(await refusal(await serve(testIdentity(authority)), { ...identity, fingerprint: sha1 })).toMatch(
      /client: .*has a certificate with fingerprint/,
    );
  });

  test('is under the limits of connections that say nothing', async () => {
    const silentVisits = async (limits: Partial<RpcLimits>): Promise<{ server: TestProcess; closed: () => number }> => {
      const server = world.process({ role: 'jobmanager' }, limits, identity);
      const { port } = (await server.listen()).address;
      const sockets = Array.from({ length: 8 }, () => connectPlain({ port, host: '127.0.0.1' }));
      sockets.forEach((socket) => socket.on('error', () => {}).resume());
      return { server, closed: () => sockets.filter(({ closed }) => closed).length };
    };
    const crowded = await silentVisits({ handshakesMax: 4 });
    const here = await world.process({}, {}, identity).connect(crowded.server);
    expect(await here.call('echo', 1)).toBe(1);
    await world.until(() => crowded.closed() >= 4);
    expect(crowded.server.log.join('\n')).toMatch(/not said hello; the oldest has to go/);

    const hurried = await silentVisits({ handshakeTimeoutMs: 200 });
    await world.until(() => hurried.closed() === 8);
    expect(hurried.server.log.join('\n')).toMatch(/did not say hello within 200 ms/);
  });
});
