import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { DataLocation } from '../../../foundation/common/data-location.ts';
import { OutputChannel } from '../output-channel.ts';
import { batch, consumer, owner } from '../test-support/two-threads.ts';
import { until } from '../test-support/until.ts';
import { TcpThread } from './test-support/tcp-threads.ts';
import { CERTIFICATES } from './test-support/certificates.ts';

const threads: TcpThread[] = [];
const start = async (...args: Parameters<typeof TcpThread.start>): Promise<TcpThread> => {
  const thread = await TcpThread.start(...args);
  threads.push(thread);
  return thread;
};
afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.close()));
});

const at = (location: DataLocation) => ({ kind: 'remote', location }) as const;
const produce = (thread: TcpThread, key: string, events: Parameters<typeof owner>[0] = {}): OutputChannel => {
  const output = new OutputChannel(owner(events));
  thread.exchange.registerProducer(key, { output, operatorName: 'map' });
  return output;
};
const free = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

describe.each(['plain', 'TLS'])('two threads over %s TCP', (kind) => {
  const settings = kind === 'TLS' ? { tls: CERTIFICATES.member } : {};

  test('exchange batches and events in order, both ways, over one connection for each direction', async () => {
    const [a, b] = [await start('a', settings), await start('b', settings)];
    const inputs = [consumer(2), consumer(2), consumer(2)];
    const outputs = [produce(a, 'a1'), produce(a, 'a2'), produce(b, 'b1')];
    b.exchange.registerConsumer('a1', inputs[0]!.channel, at(a.location));
    b.exchange.registerConsumer('a2', inputs[1]!.channel, at(a.location));
    a.exchange.registerConsumer('b1', inputs[2]!.channel, at(b.location));
    const seen: unknown[][] = [[], [], []];
    for (let i = 0; i < 200; i++) {
      outputs.forEach((output, index) => output.send(batch(`${index}/${i}`)));
    }
    outputs.forEach((output) => output.sendEvent({ kind: 'end-of-partition' }));
    await until(() => {
      inputs.forEach((input, index) => {
        for (let element = input.poll(); element !== undefined; element = input.poll()) {
          seen[index]!.push(element);
        }
      });
      return seen.every(({ length }) => length === 201);
    }, 'all batches');
    expect(seen).toEqual(
      [0, 1, 2].map((index) => [
        ...Array.from({ length: 200 }, (_, i) => [`${index}/${i}`]),
        { kind: 'end-of-partition' },
      ]),
    );
    expect([a, b].map(({ exchange }) => exchange.remoteConnections)).toEqual([2, 2]);
    expect([...inputs.flatMap(({ broken }) => broken), ...a.lost, ...b.lost]).toEqual([]);
  });

  test('a large batch arrives whole', async () => {
    const [a, b] = [await start('a', settings), await start('b', settings)];
    const input = consumer(2);
    const output = produce(a, 'k');
    b.exchange.registerConsumer('k', input.channel, at(a.location));
    const large = { bytes: Buffer.alloc(20_000_000, 'x').toString() };
    output.send(batch(large));
    await until(() => input.channel.hasElements, 'the batch');
    expect(input.poll()).toEqual([large]);
  });

  test('a connection outlives the deadline of its hello', async () => {
    const [a, b] = [await start('a', { ...settings, limits: { handshakeTimeoutMs: 500 } }), await start('b', settings)];
    const input = consumer(2);
    const output = produce(a, 'k');
    b.exchange.registerConsumer('k', input.channel, at(a.location));
    await until(() => output.hasReceiver, 'the consumer');
    // This one came later and says nothing: when it is closed, the other one's deadline is over.
    const silent = connect(a.location.port, '127.0.0.1');
    silent.on('error', () => {});
    await new Promise((resolve) => silent.once('close', resolve));
    output.send(batch('still there'));
    await until(() => input.channel.hasElements, 'the batch');
    expect(input.broken).toEqual([]);
  });

  test('leave nothing open', async () => {
    const [a, b] = [await start('a', settings), await start('b', settings)];
    const input = consumer(2);
    produce(a, 'k').send(batch(1));
    b.exchange.registerConsumer('k', input.channel, at(a.location));
    await until(() => input.channel.hasElements, 'the batch');
    await Promise.all([a.close(), b.close()]);
    await until(() => a.plane.open + b.plane.open === 0, 'closed sockets');
    expect([...a.lost, ...b.lost].length).toBeLessThanOrEqual(1);
  });
});

describe('credits', () => {
  test('a consumer that takes nothing does not hold up its neighbour on the same connection', async () => {
    const [a, b] = [await start('a'), await start('b')];
    const outputs = [produce(a, 'slow'), produce(a, 'fast')];
    const [slow, fast] = [consumer(1), consumer(1)];
    b.exchange.registerConsumer('slow', slow.channel, at(a.location));
    b.exchange.registerConsumer('fast', fast.channel, at(a.location));
    for (let i = 0; i < 100; i++) {
      outputs.forEach((output) => output.send(batch(i)));
    }
    const seen: unknown[] = [];
    await until(() => {
      const element = fast.poll();
      if (element !== undefined) {
        seen.push(element);
      }
      return seen.length === 100;
    }, 'the fast channel');
    expect(outputs.map(({ isBlocked }) => isBlocked)).toEqual([true, false]);
    expect(slow.poll()).toEqual([0]);
  });

  test('a producer stops when the network takes nothing, and goes on when it does', async () => {
    const [a, b] = [await start('a', { limits: { waitingBytes: 1000 } }), await start('b')];
    const drained: number[] = [];
    const output = produce(a, 'k', { drained: () => drained.push(1) });
    const input = consumer(100_000);
    b.exchange.registerConsumer('k', input.channel, at(a.location));
    await until(() => output.hasReceiver, 'the consumer');
    const filler = 'x'.repeat(100_000);
    let sent = 0;
    await until(() => {
      // More in one turn than the kernel takes at once.
      for (let i = 0; i < 200 && !output.isBlocked; i++) {
        output.send(batch(`${sent++}${filler}`));
      }
      return output.isBlocked;
    }, 'congestion');
    for (let watermark = 0; watermark < 1000; watermark++) {
      output.sendEvent({ kind: 'watermark', watermark });
    }
    const seen: unknown[] = [];
    await until(() => {
      for (let element = input.poll(); element !== undefined; element = input.poll()) {
        seen.push(element);
      }
      return seen.length === sent + 1;
    }, 'all batches and one watermark');
    expect(seen.at(-1)).toEqual({ kind: 'watermark', watermark: 999 });
    expect(drained.length).toBeGreaterThan(0);
  });
});

describe('channels that come and go', () => {
  test('share the connection and leave nothing behind, however they end', async () => {
    const [a, b] = [await start('a'), await start('b')];
    const ways = ['end', 'consumer goes', 'producer goes', 'consumer goes before the producer came', 'refused'];
    for (let round = 0; round < 20; round++) {
      const taken = produce(a, `taken${round}`);
      const first = consumer(1);
      b.exchange.registerConsumer(`taken${round}`, first.channel, at(a.location));
      await until(() => taken.hasReceiver, 'the first consumer');
      for (const way of ways) {
        const key = `${way}${round}`;
        const input = consumer(1);
        if (way === 'refused') {
          b.exchange.registerConsumer(`taken${round}`, input.channel, at(a.location));
          await until(() => input.broken.length > 0, 'the refusal');
          continue;
        }
        b.exchange.registerConsumer(key, input.channel, at(a.location));
        if (way === 'consumer goes before the producer came') {
          input.channel.close();
          continue;
        }
        const output = produce(a, key);
        await until(() => output.hasReceiver, 'the consumer');
        output.send(batch(1));
        output.send(batch(2));
        if (way === 'end') {
          output.sendEvent({ kind: 'end-of-partition' });
          const seen: unknown[] = [];
          await until(() => {
            const element = input.poll();
            seen.push(...(element === undefined ? [] : [element]));
            return seen.length === 3;
          }, 'the end');
        } else if (way === 'consumer goes') {
          input.channel.close();
          await until(() => !output.isBlocked, 'the end of the channel');
        } else {
          output.close();
        }
        a.exchange.release(key);
      }
      taken.close();
      a.exchange.release(`taken${round}`);
    }
    await until(() => a.exchange.remoteChannels + b.exchange.remoteChannels + a.exchange.size === 0, 'no channel left');
    expect([a, b].map(({ exchange }) => exchange.remoteConnections)).toEqual([1, 1]);
  });
});

describe('a connection that breaks', () => {
  test('fails the tasks on both ends; the message names both sides, the error the lost process', async () => {
    const [a, b] = [await start('tm-a'), await start('tm-b', {}, 1)];
    const failures: unknown[] = [];
    const output = produce(a, 'k', { failed: (error) => failures.push(error) });
    const input = consumer(2);
    b.exchange.registerConsumer('k', input.channel, at(a.location));
    await until(() => output.hasReceiver, 'the consumer');
    await b.close();
    await until(() => failures.length > 0, 'the failure');
    expect(failures).toEqual([
      expect.objectContaining({
        code: 'CHANNEL_LOST',
        retryable: true,
        lostInstanceId: 'tm-b',
        message: expect.stringMatching(/from thread 1 of TaskManager tm-b .* to thread 0 of TaskManager tm-a broke/),
      }),
    ]);
    expect(a.lost).toMatchObject([{ remote: { instanceId: 'tm-b', thread: 1 } }]);
    expect(a.exchange.remoteConnections).toBe(0);
  });

  test('is reported to the consumer too, who may connect anew', async () => {
    const [a, b] = [await start('tm-a'), await start('tm-b')];
    const input = consumer(2);
    produce(a, 'k', { failed: () => {} });
    b.exchange.registerConsumer('k', input.channel, at(a.location));
    await until(() => a.exchange.remoteConnections === 1, 'the connection');
    await a.close();
    await until(() => input.broken.length > 0, 'the loss');
    expect(input.broken[0]).toMatch(/from thread 0 of TaskManager tm-b to thread 0 of TaskManager tm-a .* broke/);
    expect(b.lost).toMatchObject([{ remote: { instanceId: 'tm-a', thread: 0 } }]);
    expect(b.exchange.remoteConnections).toBe(0);
    const again = await start('tm-a', { ports: [a.location.port] });
    const second = consumer(2);
    produce(again, 'k2').send(batch('again'));
    b.exchange.registerConsumer('k2', second.channel, at(again.location));
    await until(() => second.channel.hasElements, 'the batch');
    expect(second.poll()).toEqual(['again']);
  });
});

describe('whom a thread talks to', () => {
  test('a producer that starts late is waited for', async () => {
    const port = await free();
    const b = await start('b');
    const input = consumer(2);
    b.exchange.registerConsumer('k', input.channel, at({ instanceId: 'a', thread: 0, host: '127.0.0.1', port }));
    await new Promise((resolve) => setImmediate(resolve));
    const a = await start('a', { ports: [port] });
    produce(a, 'k').send(batch('late'));
    await until(() => input.channel.hasElements, 'the batch');
    expect(input.broken).toEqual([]);
  });

  test('one that never comes is given up', async () => {
    const port = await free();
    const b = await start('b', { limits: { connectTimeoutMs: 100 } });
    const input = consumer(2);
    b.exchange.registerConsumer('k', input.channel, at({ instanceId: 'a', thread: 4, host: '127.0.0.1', port }));
    await until(() => input.broken.length > 0, 'the end of the tries');
    expect(input.broken[0]).toMatch(
      /thread 0 of TaskManager b could not connect to thread 4 of TaskManager a \(127.0.0.1:\d+\): .*ECONNREFUSED/,
    );
    await until(() => b.plane.open === 0, 'no socket');
  });

  test.each([
    ['process', { instanceId: 'before' }, {}, 'this is thread 0 of TaskManager a, not thread 0 of TaskManager before'],
    ['thread', { thread: 7 }, {}, 'this is thread 0 of TaskManager a, not thread 7 of TaskManager a'],
    ['cluster', {}, { clusterId: 'other' }, 'it belongs to cluster test-cluster, not other'],
  ])('a port that belongs to another %s refuses at once', async (_what, location, settings, reason) => {
    const [a, b] = [await start('a'), await start('b', settings)];
    const input = consumer(2);
    b.exchange.registerConsumer('k', input.channel, at({ ...a.location, ...location }));
    await until(() => input.broken.length > 0, 'the refusal');
    expect(input.broken[0]).toContain(`refused: ${reason}`);
    expect(a.exchange.remoteConnections).toBe(0);
  });

  test('one that has all the connections it may have is tried again until there is room', async () => {
    const a = await start('a', { limits: { connections: 1 } });
    const [b, c] = [await start('b'), await start('c')];
    const [first, second] = [consumer(2), consumer(2)];
    const output = produce(a, 'first');
    b.exchange.registerConsumer('first', first.channel, at(a.location));
    await until(() => output.hasReceiver, 'the first');
    produce(a, 'second').send(batch('for the second'));
    c.exchange.registerConsumer('second', second.channel, at(a.location));
    await until(() => a.warnings.some((warning) => warning.includes('1 connections are open')), 'the answer');
    output.close();
    await b.close();
    await until(() => second.channel.hasElements, 'the batch');
    expect(second.broken).toEqual([]);
  });

  test('a second consumer of a partition is refused', async () => {
    const [a, b, c] = [await start('a'), await start('b'), await start('c')];
    const output = produce(a, 'k');
    const [first, second] = [consumer(2), consumer(2)];
    b.exchange.registerConsumer('k', first.channel, at(a.location));
    await until(() => output.hasReceiver, 'the first');
    c.exchange.registerConsumer('k', second.channel, at(a.location));
    await until(() => second.broken.length > 0, 'the refusal');
    expect(second.broken).toEqual(['the partition k has a consumer already']);
    output.send(batch('for the first'));
    await until(() => first.channel.hasElements, 'the batch');
  });

  test.each([
    ['no certificate', undefined],
    ['a certificate of another authority', CERTIFICATES.stranger],
  ])('with TLS, somebody with %s is refused', async (_what, tls) => {
    const a = await start('a', { tls: CERTIFICATES.member });
    const b = await start('b', { ...(tls === undefined ? {} : { tls }), limits: { connectTimeoutMs: 200 } });
    const input = consumer(2);
    produce(a, 'k').send(batch('secret'));
    b.exchange.registerConsumer('k', input.channel, at(a.location));
    await until(() => input.broken.length > 0, 'the refusal');
    expect(input.channel.hasElements).toBe(false);
    expect(a.exchange.remoteConnections).toBe(0);
  });
});

describe('ports', () => {
  test('a thread takes the first that is free', async () => {
    const [taken, open] = [await start('a'), await free()];
    const b = await start('b', { ports: [taken.location.port, open] });
    expect(b.location.port).toBe(open);
  });

  test('says when none is free, or the address is not of this machine', async () => {
    const a = await start('a');
    await expect(start('b', { ports: [a.location.port] })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining('taskmanager.data.port'),
    });
    await expect(start('b', { bindHost: '192.0.2.1' })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('taskmanager.bind-host'),
    });
  });
});
