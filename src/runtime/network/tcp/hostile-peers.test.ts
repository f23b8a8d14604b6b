import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../../../foundation/common/random.ts';
import { encodeChannelHello, encodeCredit } from '../channel-hello.ts';
import { frameTypes, makeFrame, readFrameHeader } from '../frame.ts';
import type { FrameType } from '../frame.ts';
import { OutputChannel } from '../output-channel.ts';
import { batch, consumer, owner } from '../test-support/two-threads.ts';
import { until } from '../test-support/until.ts';
import { HelloReader, encodeAnswer, encodeHello } from './connection-hello.ts';
import { LOOPBACK, TcpThread } from './test-support/tcp-threads.ts';

const NOTHING = new Uint8Array(0);
const frame = (type: FrameType, channel: number, sequence: number, payload: Uint8Array = NOTHING): Uint8Array =>
  makeFrame(type, channel, sequence, payload, true);

/** A peer that speaks by hand. */
class RawPeer {
  readonly socket: Socket;
  readonly received: Buffer[] = [];
  isClosed = false;

  constructor(thread: TcpThread) {
    this.socket = connect(thread.location.port, '127.0.0.1');
    this.socket.on('data', (bytes) => this.received.push(bytes));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.isClosed = true;
    });
  }

  send(...parts: readonly Uint8Array[]): this {
    this.socket.write(Buffer.concat(parts));
    return this;
  }
}

let thread: TcpThread;
/** A well-behaved consumer beside the hostile ones: it must not notice them. */
let neighbour: TcpThread;
let peers: RawPeer[] = [];
const good = consumer(2);
let goodOutput: OutputChannel;

const HANDSHAKE_MS = 300;

const peer = (): RawPeer => {
  const made = new RawPeer(thread);
  peers.push(made);
  return made;
};
const hello = (): Uint8Array =>
  encodeHello({ clusterId: LOOPBACK.clusterId, from: { instanceId: 'raw', thread: 0 }, to: thread.location });
/** Its hello is done; frames may follow. */
const greeted = (): RawPeer => peer().send(hello());

const produce = (key: string, failures: unknown[] = []): OutputChannel => {
  const output = new OutputChannel(owner({ failed: (error) => failures.push(error) }));
  thread.exchange.registerProducer(key, { output, operatorName: 'map' });
  return output;
};

beforeEach(async () => {
  thread = await TcpThread.start('a', { limits: { handshakeTimeoutMs: HANDSHAKE_MS, halfOpen: 8 } });
  neighbour = await TcpThread.start('b', { limits: { connectTimeoutMs: 30_000 } });
  goodOutput = produce('good');
  neighbour.exchange.registerConsumer('good', good.channel, { kind: 'remote', location: thread.location });
  await until(() => goodOutput.hasReceiver, 'the neighbour');
});

afterEach(async () => {
  goodOutput.send(batch('still there'));
  await until(() => good.channel.hasElements, 'the neighbour still being served');
  if (String(good.poll()) !== 'still there' || good.broken.length > 0) {
    throw new Error(`the neighbour was disturbed: ${good.broken.join()}`);
  }
  for (const { socket } of peers.splice(0)) {
    socket.destroy();
  }
  await Promise.all([thread.close(), neighbour.close()]);
  peers = [];
});

describe('half-open peers', () => {
  test('one that says nothing, or not all of its hello, is closed after a while', async () => {
    const silent = [peer(), peer().send(hello().subarray(0, 20))];
    await until(() => silent.every(({ isClosed }) => isClosed), 'the deadline of the hello');
    const warning = expect.stringContaining('did not say hello');
    expect(thread.warnings).toMatchObject([warning, warning]);
  });

  test('many of them do not keep others out', async () => {
    const silent = Array.from({ length: 40 }, () => peer());
    await until(() => silent.filter(({ isClosed }) => isClosed).length >= 32, 'the oldest giving way');
    const input = consumer(2);
    produce('k').send(batch(1));
    const other = await TcpThread.start('c');
    other.exchange.registerConsumer('k', input.channel, { kind: 'remote', location: thread.location });
    await until(() => input.channel.hasElements, 'the batch');
    await other.close();
  });

  test('many that are refused do not fill the log', async () => {
    const visits = 60;
    for (let visit = 0; visit < visits; visit++) {
      const visitor = peer().send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
      await until(() => visitor.received.length > 0 || visitor.isClosed, 'the refusal');
      visitor.socket.destroy();
    }
    expect(thread.warnings[0]).toContain('the data plane refused 127.0.0.1');
    expect(thread.warnings.length).toBeLessThan(visits);
  });

  test('one that stops in the middle of a frame holds up nobody', async () => {
    const input = greeted().send(
      frame('hello', 0, 0, encodeChannelHello({ key: 'k', credit: 1 })),
      frame('credit', 0, 0, encodeCredit(1)).subarray(0, 25),
    );
    const output = produce('k');
    await until(() => output.hasReceiver, 'its channel');
    goodOutput.send(batch('meanwhile'));
    await until(() => good.channel.hasElements, 'the neighbour');
    expect(good.poll()).toEqual(['meanwhile']);
    expect(input.isClosed).toBe(false);
  });
});

describe('peers that break the rules after their hello are closed, their channels fail', () => {
  const channel = (id: number, key = 'k'): Uint8Array => frame('hello', id, 0, encodeChannelHello({ key, credit: 2 }));

  test.each<[string, () => readonly Uint8Array[]]>([
    ['data from a consumer', () => [frame('data', 0, 0, Buffer.from('x'))]],
    ['a refusal from a consumer', () => [frame('refuse', 0, 0)]],
    ['more credit than it began with', () => [frame('credit', 0, 0, encodeCredit(3))]],
    ['a credit of the wrong size', () => [frame('credit', 0, 0, Buffer.alloc(7))]],
    ['a second hello for the same channel', () => [channel(0, 'other')]],
    ['a hello without credit', () => [frame('hello', 1, 0, Buffer.from([0, 0, 0, 0, 1, 65]))]],
    ['a hello with bytes behind it', () => [frame('hello', 1, 0, Buffer.from([1, 0, 0, 0, 1, 65, 66]))]],
    ['a frame larger than any of a consumer', () => [frame('hello', 1, 0, Buffer.alloc(10_000))]],
    ['a frame without a checksum', () => [makeFrame('cancel', 0, 0, NOTHING, false)]],
    ['a wrong checksum', () => [Buffer.from(frame('cancel', 0, 0)).fill(0, 0, 4)]],
    ['no frame at all', () => [Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')]],
  ])('%s', async (_what, frames) => {
    const failures: unknown[] = [];
    const output = produce('k', failures);
    const hostile = greeted().send(channel(0));
    await until(() => output.hasReceiver, 'its channel');
    hostile.send(...frames());
    await until(() => hostile.isClosed && failures.length > 0, 'the end of the connection');
    expect(failures).toEqual([expect.objectContaining({ code: 'CHANNEL_LOST', lostInstanceId: 'raw' })]);
  });

  test('a hello for a partition that is taken is refused, the connection goes on', async () => {
    const hostile = greeted().send(channel(0, 'good'));
    const bytes = (): Buffer => Buffer.concat(hostile.received);
    await until(() => bytes().includes('has a consumer already'), 'the refusal');
    const output = produce('k');
    hostile.send(channel(1));
    await until(() => output.hasReceiver, 'a proper channel');
  });
});

describe('a producer that breaks the rules loses the whole connection, on both sides', () => {
  test.each<[string, Uint8Array, string]>([
    ['a gap in the sequence numbers', frame('event', 0, 1), 'frame 1 came where 0 was due'],
    [
      'more batches than there is credit for',
      Buffer.concat([0, 1, 2].map((sequence) => frame('data', 0, sequence))),
      'a batch came without credit for it',
    ],
    ['a hello from a producer', frame('hello', 0, 0), "a frame of type 'hello' came from the wrong side"],
    ['a frame that is damaged', Buffer.from(frame('event', 0, 0)).fill(1, 0, 1), 'wrong checksum'],
  ])('%s', async (_what, bytes, problem) => {
    let closed = false;
    const server = createServer((socket) => {
      const reader = new HelloReader();
      socket.on('error', () => {});
      socket.on('close', () => {
        closed = true;
      });
      socket.once('data', (said) => {
        reader.push(said);
        socket.write(Buffer.concat([encodeAnswer({ verdict: 'accepted', reason: '' }), bytes]));
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const inputs = [consumer(2), consumer(2)];
    inputs.forEach((input, index) =>
      neighbour.exchange.registerConsumer(`x${index}`, input.channel, {
        kind: 'remote',
        location: { instanceId: 'fake', thread: 0, host: '127.0.0.1', port },
      }),
    );
    await until(() => inputs.every(({ broken }) => broken.length > 0) && closed, 'the end of the connection');
    for (const { broken } of inputs) {
      expect(broken[0]).toContain('TaskManager b to thread 0 of TaskManager fake');
      expect(broken[0]).toContain(problem);
    }
    expect(neighbour.lost).toMatchObject([{ remote: { instanceId: 'fake', thread: 0 } }]);
    await new Promise((resolve) => server.close(resolve));
  });
});

test('fuzzing: nothing that anybody sends disturbs others', { timeout: 120_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = seededRandom(seed);
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.int(256));
  const anyFrame = (): Uint8Array =>
    frame(frameTypes[random.int(frameTypes.length)]!, random.int(3), random.int(3), bytes(random.int(40)));
  const mutated = (stream: Uint8Array): Uint8Array => {
    const copy = Uint8Array.from(stream);
    copy[random.int(copy.byteLength)] = random.int(256);
    return copy.subarray(0, random.int(3) === 0 ? random.int(copy.byteLength) : undefined);
  };
  const channel = frame('hello', 0, 0, encodeChannelHello({ key: 'fuzz', credit: 2 }));
  const streams: (() => Uint8Array)[] = [
    () => bytes(random.int(300)),
    () => Buffer.concat([hello(), bytes(random.int(300))]),
    () => Buffer.concat([hello(), channel, anyFrame(), anyFrame(), anyFrame()]),
    () => mutated(Buffer.concat([hello(), channel, anyFrame()])),
    () => mutated(hello()),
  ];
  for (let round = 0; round < 60; round++) {
    const failures: unknown[] = [];
    const output = produce('fuzz', failures);
    const hostile = Array.from({ length: 6 }, () => peer().send(streams[random.int(streams.length)]!()));
    output.send(batch(round));
    goodOutput.send(batch(round));
    await until(() => good.channel.hasElements, `the neighbour in round ${round}, seed ${seed}`);
    expect(good.poll(), `seed ${seed}`).toEqual([round]);
    for (const { socket } of hostile) {
      socket.destroy();
    }
    output.close();
    thread.exchange.release('fuzz');
  }
  await until(() => thread.exchange.remoteConnections === 1, `only the neighbour left, seed ${seed}`);
  expect(thread.exchange.size, `seed ${seed}`).toBe(1);
});

test('what was received is a frame with a checksum', async () => {
  const output = produce('k');
  const reader = greeted().send(frame('hello', 5, 0, encodeChannelHello({ key: 'k', credit: 2 })));
  output.sendEvent({ kind: 'end-of-partition' });
  const answer = encodeAnswer({ verdict: 'accepted', reason: '' }).byteLength;
  await until(() => Buffer.concat(reader.received).byteLength > answer, 'the frame');
  const header = readFrameHeader(Buffer.concat(reader.received).subarray(answer), true);
  expect(header).toMatchObject({ type: 'event', channel: 5, sequence: 0 });
});
