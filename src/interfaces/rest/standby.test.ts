import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { FORWARDED_HEADER } from './forward-to-leader.ts';
import type { RestServer } from './rest-server.ts';
import { closeServers, startServer, startStandby, submission } from './test-support/asked-server.ts';
import { FakeGateway, startRestServer, UNKNOWN_JOB } from './test-support/fake-gateway.ts';

afterEach(closeServers);

describe('access', () => {
  const raw = (server: RestServer, headers: object, path = '/overview'): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(server.address + path, { headers: { ...headers } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject).end();
    });

  test('wants the token where there is one, but to ask whether it lives', async () => {
    const token = '0123456789abcdef';
    const { ask } = await startServer(new FakeGateway(), {
      access: { token, allowedOrigins: [], hostNames: undefined },
    });
    const status = async (authorization?: string): Promise<number> =>
      (await ask('GET', '/jobs', undefined, authorization === undefined ? {} : { authorization })).status;
    expect(await status()).toBe(401);
    expect(await status('Bearer 0123456789abcdee')).toBe(401);
    expect(await status(token)).toBe(401);
    expect(await status(`Bearer ${token}`)).toBe(200);
    expect((await ask('POST', '/jobs', submission())).status).toBe(401);
    expect((await ask('GET', '/v1/config')).status).toBe(200);
  });

  test('does not let pages of others ask', async () => {
    const { server, ask } = await startServer();
    expect(await raw(server, { origin: 'http://evil.example' })).toBe(403);
    expect(await raw(server, { host: 'evil.example', origin: 'http://evil.example' }), 'DNS rebinding').toBe(403);
    expect(await raw(server, { host: `localhost:${server.port}` })).toBe(200);
    expect(await raw(server, { origin: server.address })).toBe(200);
    const { headers } = await ask('OPTIONS', '/jobs', undefined, { origin: 'http://evil.example' });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('lets those pages ask that are named', async () => {
    const origin = 'http://dashboard.example';
    const { server, ask } = await startServer(new FakeGateway(), {
      access: { token: undefined, allowedOrigins: [origin], hostNames: ['127.0.0.1'] },
    });
    expect(await raw(server, { origin })).toBe(200);
    expect((await ask('OPTIONS', '/jobs', undefined, { origin })).headers.get('access-control-allow-origin')).toBe(
      origin,
    );
  });
});

describe('a standby', () => {
  test('waits a little for somebody to lead', async () => {
    const leader = await startServer();
    let looks = 0;
    const { ask } = await startStandby({ leaderAddress: () => (++looks < 3 ? undefined : leader.server.address) });
    expect((await ask('GET', '/jobs')).status).toBe(200);
    expect(looks).toBe(3);
  });

  test('asks whoever leads next where it does not know yet that a leader is gone', async () => {
    const [gone, next] = [await startServer(), await startServer()];
    await gone.server.close();
    let looks = 0;
    const { ask } = await startStandby({ leaderAddress: () => (++looks < 4 ? gone : next).server.address });
    expect((await ask('POST', '/jobs', submission())).status).toBe(202);
    expect(next.gateway.submissions).toHaveLength(1);
    looks = 0;
    expect((await ask('GET', '/jobs')).status).toBe(200);
    expect(looks).toBe(4);
  });

  test('asks the leader for its clients', async () => {
    const leader = await startServer();
    const { ask } = await startStandby({ leaderAddress: () => leader.server.address });
    expect((await ask('GET', '/jobs')).body).toEqual((await leader.ask('GET', '/jobs')).body);
    expect((await ask('POST', '/v1/jobs', submission())).status).toBe(202);
    expect(leader.gateway.submissions).toHaveLength(1);
    expect((await ask('GET', `/jobs/${UNKNOWN_JOB}`)).status).toBe(404);
    expect((await ask('POST', '/jobs', submission({ bundle: { code: 'x'.repeat(2_000_000), hash: '' } }))).status).toBe(
      413,
    );
  });

  test('says so while nobody leads, and lives', async () => {
    const { ask } = await startStandby({ leaderAddress: () => undefined });
    expect(await ask('GET', '/jobs')).toMatchObject({
      status: 503,
      body: { errors: [expect.stringContaining('election')] },
    });
    expect((await ask('GET', '/config')).status).toBe(200);
    expect((await ask('GET', '/nothing')).status).toBe(404);
  });

  test('asks nobody where the leader is gone, or is itself', async () => {
    const gone = await startServer();
    await gone.server.close();
    const { ask } = await startStandby({ leaderAddress: () => gone.server.address });
    expect((await ask('GET', '/jobs')).status).toBe(503);
    let own = '';
    const itself = await startStandby({ leaderAddress: () => own });
    own = itself.server.address;
    expect((await itself.ask('GET', '/jobs')).status).toBe(503);
  });

  test('never hands on what was handed on', async () => {
    const addresses: string[] = [];
    const first = await startStandby({ leaderAddress: () => addresses[1] });
    const second = await startStandby({ leaderAddress: () => addresses[0] });
    addresses.push(first.server.address, second.server.address);
    expect((await first.ask('GET', '/jobs')).status).toBe(503);
    const leader = await startServer();
    addresses[1] = leader.server.address;
    expect((await first.ask('GET', '/jobs', undefined, { [FORWARDED_HEADER]: '1' })).status).toBe(503);
    expect((await first.ask('GET', '/jobs')).status).toBe(200);
  });
});

describe('ports', () => {
  test('the next of a range is taken where one is in use; none left is an error that says so', async () => {
    const first = await startServer();
    const { port } = first.server;
    const second = await startServer(new FakeGateway(), { ports: [port, 0] });
    expect(second.server.port).not.toBe(port);
    await expect(startRestServer(undefined, { ports: [port] })).rejects.toThrow(
      /no port of rest\.bind-port .* is free/,
    );
  });
});
