import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom, type Random } from '../../../foundation/common/random.ts';
import { encodeHandshake } from '../handshake-message.ts';
import type { RpcConnection } from '../rpc-connection.ts';
import { ChildPeer } from '../test-support/child-peer.ts';
import { mutate, randomBytes, reframed } from '../test-support/mutate.ts';
import { peerProtocol, type PeerProtocol } from '../test-support/peer-protocol.ts';
import { TcpWorld } from '../test-support/tcp-world.ts';
import { encodeMessage } from '../wire-message.ts';

const SEED = Math.floor(Math.random() * 2 ** 31);
const VISITORS = 300;
const AT_A_TIME = 20;
/** The machine may be busy; what counts is that an answer comes. */
const PATIENT = { timeoutMs: 60_000 };
/** What a listener may hold after everybody has left: what the process learned to do, not what visitors sent. */
const GROWTH_BYTES_MAX = 16_000_000;

const hello = encodeHandshake({
  kind: 'hello',
  protocolVersion: 1,
  body: {
    packageVersion: '0.1.0',
    clusterId: 'test',
    role: 'client',
    instanceId: 'fuzz',
    resourceId: 'fuzz',
    fence: { lineage: 'l', epoch: 3 },
  },
});
const ready = encodeHandshake({ kind: 'ready', protocolVersion: 1, body: {} });
const messages = [
  encodeMessage({ kind: 'call', id: 0, method: 'echo', value: { a: [1, 'x', new Map([[1n, new Date(5)]])] } }, 1e6),
  encodeMessage({ kind: 'call', id: 1, method: 'double', value: { value: 4 } }, 1e6),
  encodeMessage({ kind: 'call', id: 2, method: 'nosuch', value: new Error('x') }, 1e6),
  encodeMessage({ kind: 'call', id: 3, method: 'refuse', value: { code: 'FENCED', retryable: true } }, 1e6),
  encodeMessage({ kind: 'call', id: 4, method: 'wait', value: undefined }, 1e6),
  encodeMessage({ kind: 'call', id: 5, method: '__proto__', value: { ['__proto__']: 1, constructor: /x/u } }, 1e6),
  encodeMessage({ kind: 'send', method: 'note', value: { text: 'hello' } }, 1e6),
  encodeMessage({ kind: 'send', method: 'bulk', value: new Uint8Array(3000) }, 1e6),
  encodeMessage({ kind: 'send', method: 'constructor', value: null }, 1e6),
  encodeMessage({ kind: 'reply', id: 0, value: 1 }, 1e6),
  encodeMessage({ kind: 'failure', id: 7, value: { name: 'Error', message: 'x' } }, 1e6),
  encodeMessage({ kind: 'farewell', text: 'bye' }, 1e6),
];

/** What a visitor sends. */
const script = (random: Random): Buffer => {
  const some = Array.from({ length: 1 + random.int(10) }, () => messages[random.int(messages.length)]!);
  const huge = Buffer.from([0xff, 0xff, random.int(2) === 0 ? 0x9f : 0, random.int(256)]);
  switch (random.int(8)) {
    case 0:
      return randomBytes(random, random.int(3000));
    case 1:
      return Buffer.concat([mutate(hello, random), ready]);
    case 2:
      return Buffer.concat([hello, mutate(ready, random), ...some]);
    case 3:
      return Buffer.concat([hello, ready, mutate(Buffer.concat(some), random)]);
    case 4:
      return Buffer.concat([reframed(hello, random), reframed(ready, random), ...some]);
    case 5:
      return Buffer.concat([hello, ready, huge, randomBytes(random, random.int(2000))]);
    case 6:
      return huge;
    default:
      return Buffer.concat([hello, ready, ...some.map((frame) => reframed(frame, random))]);
  }
};

const visit = async (port: number, random: Random): Promise<void> => {
  const socket: Socket = connect({ port, host: '127.0.0.1' });
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  socket.on('error', () => {});
  socket.resume();
  const bytes = script(random);
  const step = random.int(3) === 0 ? 1 + random.int(20) : bytes.length + 1;
  for (let at = 0; at < bytes.length && !socket.destroyed; at += step) {
    socket.write(bytes.subarray(at, at + step));
    await new Promise((resolve) => setImmediate(resolve));
  }
  // Some say goodbye, some vanish, some stay until they are shown the door.
  const manner = random.int(4);
  if (manner === 0) {
    socket.end();
  } else if (manner === 1) {
    socket.resetAndDestroy();
  } else if (manner === 2) {
    socket.destroy();
  }
  const patience = setTimeout(() => socket.destroy(), 400);
  await closed;
  clearTimeout(patience);
};

describe('a listener among strangers', () => {
  const world = new TcpWorld();
  let child: ChildPeer;
  let good: RpcConnection<PeerProtocol>;

  beforeAll(async () => {
    const limits = { frameBytesMax: 1_000_000, handshakesMax: 16, connectionsMax: 40 };
    child = await ChildPeer.listen(limits);
    const process = world.process();
    const service = { serves: process.service.serves, handlers: process.service.handlers, calls: peerProtocol };
    good = await process.transport.connect({ host: '127.0.0.1', port: child.port }, service);
  });
  afterAll(async () => {
    good.close();
    await child.kill();
    await world.dispose();
  });

  test('stays up, keeps its memory, and serves others meanwhile', async () => {
    const rounds = async (seed: number, visitors: number): Promise<void> => {
      const random = seededRandom(seed);
      for (let i = 0; i < visitors; i += AT_A_TIME) {
        const visits = Array.from({ length: AT_A_TIME }, (_, each) =>
          visit(child.port, seededRandom(random.int(2 ** 31) + each)),
        );
        expect(await good.call('echo', i, PATIENT)).toBe(i);
        await Promise.all(visits);
      }
    };
    const settled = async (): Promise<number> => {
      let { bytes, connections } = await good.call('memory', undefined, PATIENT);
      while (connections > 1) {
        await world.pass(20);
        ({ bytes, connections } = await good.call('memory', undefined, PATIENT));
      }
      return bytes;
    };
    await rounds(1, 100);
    const before = await settled();
    await rounds(SEED, VISITORS);
    const growth = (await settled()) - before;
    expect(child.errors.join(''), `seed ${SEED}`).toBe('');
    expect(child.isAlive, `seed ${SEED}`).toBe(true);
    expect(good.closeReason, `seed ${SEED}`).toBeUndefined();
    expect(growth, `seed ${SEED}`).toBeLessThan(GROWTH_BYTES_MAX);
  });

  test('is not kept from those who talk by those who say nothing', async () => {
    const silent = Array.from({ length: 60 }, () => connect({ port: child.port, host: '127.0.0.1' }));
    silent.forEach((socket, i) => {
      socket.on('error', () => {});
      socket.resume();
      if (i % 2 === 0) {
        socket.write(hello.subarray(0, 1 + (i % 20)));
      }
    });
    const { transport, service } = world.process();
    const another = await transport.connect({ host: '127.0.0.1', port: child.port }, service);
    expect(await another.call('echo', 'x')).toBe('x');
    const cutOff = (): number => silent.filter(({ closed }) => closed).length;
    await world.until(() => cutOff() >= 60 - 16, 'the end of those who say nothing');
    silent.forEach((socket) => socket.destroy());
    expect(await good.call('echo', 'y')).toBe('y');
    another.close();
  });
});
