import { describe, expect, test } from 'vitest';
import { ClientWorld } from './test-support/client-world.ts';
import { rest } from './test-support/fake-network.ts';
import { XID } from './wire-codes.ts';

describe('the time for a welcome', () => {
  /** How long the newest link is waited for. */
  const waited = async (world: ClientWorld): Promise<number> => {
    const { link } = world.network;
    link.listener.opened();
    let waitedMs = 0;
    for (; !link.isDestroyed && waitedMs < 30_000; waitedMs += 10) {
      await world.pass(10);
    }
    return waitedMs;
  };

  test('does not grow by servers that refuse: the session is not lost at the first that hangs', async () => {
    const world = await ClientWorld.connected();
    world.network.link.close();
    for (let round = 0; round < 10; round++) {
      await world.reconnected();
      world.network.link.close('ECONNREFUSED');
    }
    const waits: number[] = [];
    for (let round = 0; round < 3; round++) {
      await world.reconnected();
      waits.push(await waited(world));
    }
    expect(waits).toEqual([1_000, 2_000, 3_000]);
  });

  test('is of the timeout that was granted, not of the one that was asked for', async () => {
    const world = new ClientWorld({ sessionTimeoutMs: 30_000 });
    await rest();
    world.network.link.welcome({ timeoutMs: 1_500 });
    await rest();
    world.network.link.close();
    await world.reconnected();
    expect(await waited(world)).toBe(500);
  });
});

describe('the search for a server', () => {
  test('takes each once a round, in new orders, with pauses that grow', async () => {
    const world = new ClientWorld({ connectString: 'a:1,b:2,c:3', sessionTimeoutMs: 30_000 });
    const rounds: string[] = [];
    const startedAtMs: number[] = [];
    for (let round = 0; round < 8; round++) {
      let order = '';
      for (let each = 0; each < 3; each++) {
        while (world.network.links.length === round * 3 + each) {
          await world.pass(5);
        }
        startedAtMs[round] ??= world.clock.monotonic();
        order += world.network.link.server.host;
        world.network.link.close('ECONNREFUSED');
        await rest();
      }
      rounds.push(order);
    }
    expect(rounds.map((order) => order.split('').toSorted().join(''))).toEqual(rounds.map(() => 'abc'));
    expect(new Set(rounds).size).toBeGreaterThan(2);
    const pauses = startedAtMs.slice(1).map((at, index) => at - startedAtMs[index]!);
    expect(pauses[0]).toBeLessThanOrEqual(40);
    expect(pauses[6]).toBeGreaterThan(400);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1_020);
  });

  test('resolves a name again for each round, and takes all that it stands for', async () => {
    const world = new ClientWorld({ connectString: 'zk:1' }, { zk: ['10.0.0.1', '10.0.0.2'] });
    await rest();
    world.network.link.close();
    await rest();
    expect(world.network.links.map(({ server }) => server.address).toSorted()).toEqual(['10.0.0.1', '10.0.0.2']);
    world.network.names.set('zk', ['10.0.0.3']);
    world.network.link.close();
    await world.reconnected();
    expect(world.network.link.server).toEqual({ address: '10.0.0.3', port: 1, host: 'zk' });
    expect(world.network.resolved).toEqual(['zk', 'zk']);
  });

  test('goes on where a name has no address', async () => {
    const world = new ClientWorld({ connectString: 'gone:1,b:2' }, { gone: [] });
    await world.pass(100);
    expect(world.network.link.server.host).toBe('b');
  });

  test('does not begin with the server that was just lost', async () => {
    const world = new ClientWorld({ connectString: 'a:1,b:2,c:3' });
    await rest();
    for (let round = 0; round < 20; round++) {
      const lost = world.network.link;
      lost.welcome();
      for (let i = 0; i < 2; i++) {
        await world.pass(700, 100);
        lost.answer(XID.ping, 1n);
      }
      lost.close();
      await rest();
      expect(world.network.link.server.host).not.toBe(lost.server.host);
    }
  });
});
