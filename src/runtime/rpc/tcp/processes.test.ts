import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeHandshake } from '../handshake-message.ts';
import { anyPort } from '../port-range.ts';
import { endedByPeer } from '../rpc-connection.ts';
import { ChildPeer } from '../test-support/child-peer.ts';
import { TcpWorld } from '../test-support/tcp-world.ts';
import type { TestConnection } from '../test-support/test-protocol.ts';

describe('a process of its own', () => {
  let world: TcpWorld;
  const children: ChildPeer[] = [];
  beforeEach(() => {
    world = new TcpWorld();
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill()));
    await world.dispose();
  });

  const connected = async (): Promise<{ child: ChildPeer; here: TestConnection }> => {
    const child = await ChildPeer.listen();
    children.push(child);
    const { transport, service } = world.process();
    const here = await transport.connect({ host: '127.0.0.1', port: child.port }, service);
    return { child, here };
  };

  test('that is killed is closed by its operating system, on whichever side it was', async () => {
    const { child, here } = await connected();
    expect(await here.call('echo', 1)).toBe(1);
    const waiting = here.call('wait', undefined).catch((error: unknown) => error);
    child.signal('SIGKILL');
    const reason = await here.closed;
    expect(endedByPeer(reason)).toBe(true);
    expect(reason).not.toHaveProperty('farewell');
    expect(await waiting).toMatchObject({ code: 'CONNECTION_LOST', retryable: true });

    const server = world.process({ role: 'jobmanager' });
    const { address } = await server.listen();
    const client = ChildPeer.connect(address.port);
    children.push(client);
    await world.until(() => server.connections.length === 1);
    client.signal('SIGKILL');
    expect(endedByPeer(await server.connections[0]!.closed)).toBe(true);
  });

  test('that is killed with unread messages is a reset', async () => {
    const { child, here } = await connected();
    expect(await here.call('echo', 1)).toBe(1);
    child.signal('SIGSTOP');
    here.send('bulk', new Uint8Array(100_000));
    // Written at the end of the turn; on this machine it is in the other side's buffer then.
    await new Promise((resolve) => setImmediate(resolve));
    child.signal('SIGKILL');
    expect(await here.closed).toEqual({ kind: 'reset' });
  });

  test('that is stopped is silent and stays connected', async () => {
    const { child, here } = await connected();
    child.signal('SIGSTOP');
    await expect(here.call('echo', 1, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(here.closeReason).toBeUndefined();
    child.signal('SIGCONT');
    expect(await here.call('echo', 2)).toBe(2);
  });

  test('that reads nothing fills the queue, not the memory', async () => {
    const { child } = await connected();
    const limits = { frameBytesMax: 1_000_000, queueBytesMax: 4_000_000 };
    const { transport, service } = world.process({}, limits);
    const here = await transport.connect({ host: '127.0.0.1', port: child.port }, service);
    child.signal('SIGSTOP');
    for (let i = 0; i < 1000 && here.send('bulk', new Uint8Array(900_000)); i++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await here.closed).toMatchObject({ kind: 'local', error: { code: 'OVERLOADED' } });
    child.signal('SIGCONT');
  });
});

test('a visitor that is refused and never ends is cut off', async () => {
  const world = new TcpWorld();
  const server = world.process({ role: 'jobmanager' });
  const { address } = await server.listen();
  const socket = connect({ ...address, allowHalfOpen: true });
  socket.on('error', () => {});
  socket.write(encodeHandshake({ kind: 'hello', protocolVersion: 9, body: {} }));
  const [refusal] = (await once(socket, 'data')) as [Buffer];
  expect(refusal.toString('utf8')).toContain('protocol 9');
  await server.listener!.close();
  await world.dispose();
  socket.destroy();
});

const hasIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'));

describe('IPv6', () => {
  test.skipIf(!hasIpv6)('connects, and IPv4 to a listener on all addresses', async () => {
    const world = new TcpWorld();
    for (const host of ['::1', '::']) {
      const process = world.process({ role: 'jobmanager' });
      const { port } = (await process.listen(undefined, anyPort, host)).address;
      const { transport, service } = world.process();
      const targets = host === '::' ? ['::1', '127.0.0.1'] : ['::1'];
      for (const target of targets) {
        const here = await transport.connect({ host: target, port }, service);
        expect(here.localHost).toBe(target);
        expect(await here.call('echo', host)).toBe(host);
        await world.until(() => process.connections.length > 0);
        const there = process.connections.pop();
        expect(there?.remoteAddress.startsWith(target === '::1' ? '[::1]:' : '127.0.0.1:')).toBe(true);
        here.close();
      }
    }
    await world.dispose();
  });
});
