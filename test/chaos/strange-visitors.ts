import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { Random } from '../../src/foundation/common/random.ts';
import { encodeValue } from '../../src/foundation/serialization/value-codec.ts';
import { encodeChannelHello, encodeCredit } from '../../src/runtime/network/channel-hello.ts';
import { frameTypes, makeFrame } from '../../src/runtime/network/frame.ts';
import { encodeHello } from '../../src/runtime/network/tcp/connection-hello.ts';
import { PROTOCOL_VERSION } from '../../src/runtime/protocol/protocol-version.ts';
import { encodeHandshake } from '../../src/runtime/rpc/handshake-message.ts';
import { mutate, randomBytes, reframed } from '../../src/runtime/rpc/test-support/mutate.ts';
import { encodeMessage } from '../../src/runtime/rpc/wire-message.ts';

/** A port of a process, and what is spoken there. */
export interface VisitedPort {
  readonly port: number;
  readonly language: 'rpc' | 'data' | 'rest';
  readonly clusterId: string;
  /** Of the process. */
  readonly instanceId: string;
  /** Of a data port. */
  readonly thread: number;
}

const FRAME_BYTES_MAX = 1e6;
const FENCE = { lineage: 'another-lineage', epoch: 1 };
const CHANNEL = encodeChannelHello({ key: 'no/such/attempt', credit: 8 });

const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(from.length)]!;

const anything = (random: Random): unknown =>
  pick<() => unknown>(random, [
    () => undefined,
    () => ({ fence: FENCE }),
    () => ({
      fence: FENCE,
      targets: [],
      deployments: [{}],
      job: 'job',
      attempt: 'a/b/0/1.1',
      command: { kind: 'cancel' },
    }),
    () => ({ fence: FENCE, job: 'job', report: { kind: 'state', attempt: 'a/b/0/1.1', state: 'FAILED' } }),
    () => ({ ['__proto__']: 1, constructor: /x/u, fence: null }),
    () => [1, 'x', new Map([[1n, new Date(5)]]), new Error('x')],
    () => new Uint8Array(random.int(3000)),
  ])();

const METHODS = [
  'registerTaskManager',
  'taskReport',
  'taskMetrics',
  'dataLocations',
  'heartbeat',
  'deploy',
  'command',
  'releaseJob',
  'ping',
  'probe',
  'taskManagers',
  'describe',
  '__proto__',
] as const;

const rpcMessage = (random: Random): Uint8Array => {
  const method = pick(random, METHODS);
  const id = random.int(3);
  const value = anything(random);
  return encodeMessage(
    pick(random, [
      { kind: 'call', id, method, value } as const,
      { kind: 'send', method, value } as const,
      { kind: 'reply', id, value } as const,
      { kind: 'farewell', text: 'bye' } as const,
    ]),
    FRAME_BYTES_MAX,
  );
};

const rpcScript = (random: Random, { clusterId }: VisitedPort): Buffer => {
  const hello = encodeHandshake({
    kind: 'hello',
    protocolVersion: PROTOCOL_VERSION,
    body: {
      packageVersion: '0.1.0',
      clusterId,
      role: pick(random, ['client', 'jobmanager', 'taskmanager']),
      instanceId: random.hex(32),
      resourceId: 'visitor',
      ...(random.int(2) === 0 ? {} : { fence: FENCE }),
    },
  });
  const ready = encodeHandshake({ kind: 'ready', protocolVersion: PROTOCOL_VERSION, body: {} });
  const messages = Array.from({ length: 1 + random.int(10) }, () => rpcMessage(random));
  switch (random.int(5)) {
    case 0:
      return Buffer.concat([mutate(hello, random), ready]);
    case 1:
      return Buffer.concat([reframed(hello, random), reframed(ready, random)]);
    case 2:
      return Buffer.concat([hello, ready, mutate(Buffer.concat(messages), random)]);
    case 3:
      return Buffer.concat([hello, ready, ...messages.map((message) => reframed(message, random))]);
    default:
      return Buffer.concat([hello, ready, ...messages]);
  }
};

const dataScript = (random: Random, { clusterId, instanceId, thread }: VisitedPort): Buffer => {
  const hello = encodeHello({
    clusterId,
    from: { instanceId: random.hex(32), thread: random.int(3) },
    to: { instanceId, thread },
  });
  const frames = Array.from({ length: 1 + random.int(10) }, () => {
    const payload = pick<Uint8Array>(random, [CHANNEL, encodeCredit(1 + random.int(2 ** 31)), randomBytes(random, 30)]);
    return makeFrame(pick(random, frameTypes), random.int(4), random.int(3), payload, random.int(4) > 0);
  });
  switch (random.int(3)) {
    case 0:
      return Buffer.concat([mutate(hello, random), ...frames]);
    case 1:
      return Buffer.concat([hello, mutate(Buffer.concat(frames), random)]);
    default:
      return Buffer.concat([hello, ...frames]);
  }
};

const PATHS = [
  '/config',
  '/overview',
  '/taskmanagers',
  '/jobs/overview',
  '/jobs/00000000000000000000000000000000',
  '/jobs/..%2f..%2f',
  '/jobs/%',
  '/jobs/00000000000000000000000000000000/checkpoints?x=%00',
  '/savepoint-disposal',
  '//',
  '/jobs',
];

/** A graph that looks like one. */
const submission = (random: Random): string => {
  const vertices = [anything(random), { id: 'v', name: 'v', parallelism: random.int(5), maxParallelism: 128 }];
  const graph = { name: `junk-${random.hex(4)}`, fingerprint: 'f', vertices, edges: [anything(random)] };
  return JSON.stringify({
    jobId: random.hex(32),
    jobGraph: Buffer.from(encodeValue(graph)).toString('base64'),
    bundle: { code: '', hash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
    args: [],
    env: {},
    configuration: {},
  });
};

const restScript = (random: Random): Buffer => {
  const path = pick(random, PATHS);
  // Seldom: each stays in the list of jobs.
  const body =
    random.int(200) === 0 ? submission(random) : pick(random, ['', '{}', '{"jobId":', '[[[[', '{"a":1e999}']);
  const method = pick(random, ['GET', 'GET', 'POST', 'PUT', 'OPTIONS', 'BREW']);
  const head = pick(random, [
    `Content-Type: application/json\r\nContent-Length: ${body.length}`,
    'Content-Type: application/json\r\nTransfer-Encoding: chunked',
    'Connection: Upgrade\r\nUpgrade: websocket',
    `Content-Length: ${random.int(2 ** 31)}`,
    `X: ${'x'.repeat(random.int(20_000))}`,
    'Origin: http://elsewhere.example',
  ]);
  const request = Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${head}\r\n\r\n${body}`);
  return random.int(3) === 0 ? mutate(request, random) : request;
};

const SCRIPTS = { rpc: rpcScript, data: dataScript, rest: restScript } as const;

/** What a visitor sends: mostly what is spoken there, more or less. */
const scriptFor = (random: Random, port: VisitedPort, greeting: Uint8Array): Buffer => {
  switch (random.int(8)) {
    case 0:
      return randomBytes(random, random.int(3000));
    case 1:
      return mutate(greeting, random);
    case 2:
      return SCRIPTS[pick(random, ['rpc', 'data', 'rest'] as const)](random, port);
    default:
      return SCRIPTS[port.language](random, port);
  }
};

const opened = (random: Random, { port }: VisitedPort, tls: boolean): Socket => {
  const to = { port, host: '127.0.0.1' };
  return tls && random.int(2) === 0 ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to);
};

/** One visit. Some say goodbye, some vanish, some stay until they are shown the door. */
export const visit = async (
  random: Random,
  port: VisitedPort,
  { tls, greeting }: { readonly tls: boolean; readonly greeting: Uint8Array },
): Promise<void> => {
  const socket = opened(random, port, tls);
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  socket.on('error', () => {});
  socket.resume();
  const bytes = scriptFor(random, port, greeting);
  const step = random.int(3) === 0 ? 1 + random.int(200) : bytes.length + 1;
  for (let at = 0; at < bytes.length && !socket.destroyed; at += step) {
    socket.write(bytes.subarray(at, at + step));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const manner = random.int(4);
  if (manner === 0) {
    socket.end();
  } else if (manner === 1 && !(socket instanceof TLSSocket)) {
    socket.resetAndDestroy();
  } else if (manner < 3) {
    socket.destroy();
  }
  const patience = setTimeout(() => socket.destroy(), 400);
  await closed;
  clearTimeout(patience);
};

/** The first bytes of a client that uses TLS. */
export const tlsGreeting = async (): Promise<Uint8Array> => {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      resolve(bytes);
      socket.destroy();
    });
  });
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const { port } = server.address() as AddressInfo;
  connectTls({ port, host: '127.0.0.1' }).on('error', () => {});
  const greeting = await promise;
  server.close();
  return greeting;
};
