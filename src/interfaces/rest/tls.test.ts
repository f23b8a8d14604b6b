import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../foundation/common/system-clock.ts';
import { Configuration } from '../../foundation/config/configuration.ts';
import { loadTlsIdentity } from '../../foundation/security/load-tls-identity.ts';
import type { TlsIdentity } from '../../foundation/security/tls-identity.ts';
import { writeCertificates } from '../../foundation/security/write-certificates.ts';
import { RestClient } from '../cli/cluster/rest-client.ts';
import { jobIdsSchema } from './schema/jobs-schema.ts';
import { closeServers, startServer, startStandby } from './test-support/asked-server.ts';
import { FakeGateway, RUNNING_JOB } from './test-support/fake-gateway.ts';

afterEach(closeServers);

const client = (address: string, tls: TlsIdentity | undefined): RestClient =>
  new RestClient({
    findAddress: () => Promise.resolve(address),
    where: address,
    isHighlyAvailable: false,
    token: undefined,
    tls,
    clock: systemClock,
    awaitLeaderMs: 0,
    retryDelayMs: 1,
    timeoutMs: 10_000,
  });

test('only clients with a certificate are served, by a standby too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-rest-tls-'));
  try {
    const nowMs = systemClock.now();
    const written = await writeCertificates(folder, ['localhost'], { nowMs, days: 1 });
    const identity = (await loadTlsIdentity(Configuration.of(written.configuration('localhost')), nowMs))!;
    const tls = { identity, clientCertificates: true };
    const { server } = await startServer(new FakeGateway(), { tls, advertisedHost: 'localhost' });
    const standby = await startStandby({ tls, advertisedHost: 'localhost', leaderAddress: () => server.address });
    expect(server.address).toBe(`https://localhost:${server.port}`);
    for (const { address } of [server, standby.server]) {
      const { jobs } = await client(address, identity).ask('GET', '/jobs', jobIdsSchema);
      expect(jobs).toContainEqual({ id: RUNNING_JOB, status: 'RUNNING' });
      const { key: _key, cert: _cert, ...stranger } = identity;
      const refused = client(address, stranger as TlsIdentity).ask('GET', '/jobs', jobIdsSchema);
      await expect(refused).rejects.toThrow(/no JobManager answers at https/);
      const plain = client(address.replace('https', 'http'), undefined).ask('GET', '/jobs', jobIdsSchema);
      await expect(plain).rejects.toThrow(/no JobManager answers at http:/);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
