import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parsePortRange } from './port-range.ts';
import { endedByPeer } from './rpc-connection.ts';
import { accepted } from './rpc-transport.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import { testAuthority, testIdentity } from './test-support/test-certificates.ts';
import type { TestConnection } from './test-support/test-protocol.ts';
import { InMemoryWorld } from './test-support/in-memory-world.ts';
import { TcpWorld } from './test-support/tcp-world.ts';
import type { TestProcess, TransportWorld } from './test-support/transport-world.ts';

const MIB = 1024 * 1024;

const worlds: readonly (readonly [string, () => TransportWorld])[] = [
  ['in-memory', () => new InMemoryWorld()],
  ['TCP', () => new TcpWorld()],
  ['TLS', () => new TcpWorld(testIdentity(testAuthority()))],
];

describe.each(worlds)('%s transport', (_, makeWorld) => {
  let world: TransportWorld;
  beforeEach(() => {
    world = makeWorld();
  });
  afterEach(() => world.dispose());

  const connected = async (
    limits: Parameters<TransportWorld['process']>[1] = {},
  ): Promise<{ server: TestProcess; client: TestProcess; there: TestConnection; here: TestConnection }> => {
    const server = world.process({ role: 'jobmanager', resourceId: 'jm-1' }, limits);
    const client = world.process({}, limits);
    await server.listen();
    const here = await world.settled(client.connect(server));
    await world.until(() => server.connections.length === 1);
    return { server, client, here, there: server.connections[0]! };
  };

  const rejection = async (promise: Promise<unknown>): Promise<MillraceError> => {
    const thrown = await world.settled(promise.then(undefined, (error: unknown) => error));
    expect(thrown).toBeInstanceOf(MillraceError);
    return thrown as MillraceError;
  };

  describe('messages', () => {
    test('calls go both ways, and both sides know each other', async () => {
      const { here, there } = await connected();
      expect(here.peer).toMatchObject({ role: 'jobmanager', resourceId: 'jm-1' });
      expect(there.peer).toMatchObject({ role: 'taskmanager', resourceId: 'tm-1' });
      expect(await world.settled(here.call('double', { value: 21 }))).toEqual({ value: 42 });
      expect(await world.settled(there.call('double', { value: 4 }))).toEqual({ value: 8 });
    });

    test('values arrive as they were', async () => {
      const { here } = await connected();
      const value = {
        date: new Date(5),
        map: new Map([[1n, new Set(['é'])]]),
        bytes: new Uint8Array([1, 2]),
        u: undefined,
      };
      expect(await world.settled(here.call('echo', value))).toEqual(value);
      const large = new Uint8Array(3 * MIB).fill(7);
      const echoed = await world.settled(here.call('echo', large));
      expect(Buffer.compare(echoed as Uint8Array, large)).toBe(0);
    });

    test('calls and one-way messages keep one order (R15)', async () => {
      const { here, server } = await connected();
      const wanted: string[] = [];
      const calls: Promise<unknown>[] = [];
      for (let i = 0; i < 200; i++) {
        here.send('note', { text: `note ${i}` });
        calls.push(here.call('double', { value: i }));
        wanted.push(`note ${i}`, `double ${i}`);
      }
      await world.settled(Promise.all(calls));
      expect(server.notes).toEqual(wanted);
    });

    test('an error of the other side keeps its code, whether it is retryable, and its cause', async () => {
      const { here } = await connected();
      const error = await rejection(here.call('refuse', { code: 'FENCED', retryable: true }));
      expect(error).toMatchObject({ code: 'FENCED', retryable: true, message: 'no' });
      expect(error.cause).toMatchObject({ name: 'TypeError', message: 'because' });
      expect(await rejection(here.call('refuse', { code: 'BAD_JOB', retryable: false }))).toMatchObject({
        code: 'BAD_JOB',
        retryable: false,
      });
      const mistake = await rejection(here.call('stumble', undefined));
      expect(mistake).toMatchObject({ code: 'REMOTE_FAILED', message: 'RangeError: a mistake' });
      expect((mistake.cause as Error).stack).toContain('test-protocol.ts');
    });

    test('a request or an answer that is not valid is an error of the call', async () => {
      const { here } = await connected();
      const invalid = await rejection(here.call('double', { value: 'x' as unknown as number }));
      expect(invalid).toMatchObject({ code: 'PROTOCOL' });
      expect(invalid.message).toContain('value: ');
      const missing = await rejection(here.call('nosuch' as 'echo', 1));
      expect(missing.message).toContain("'nosuch'");
      expect((await rejection(here.call('misanswer', undefined))).message).toContain("'misanswer' is not valid");
      expect(here.closeReason).toBeUndefined();
    });

    test('a one-way message that is not valid, or fails, closes the connection', async () => {
      for (const provoke of [
        (connection: TestConnection) => connection.send('note', { text: 5 as unknown as string }),
        (connection: TestConnection) => connection.send('trip', undefined),
      ]) {
        const { here, there, server } = await connected();
        provoke(here);
        expect(await world.settled(there.closed)).toMatchObject({ kind: 'local', error: { code: 'PROTOCOL' } });
        expect(await world.settled(here.closed)).toMatchObject({ kind: 'peer' });
        expect(server.log.join('\n')).toMatch(
          /Closing the connection to taskmanager tm-1 \(.*\): '(note|trip)' failed/,
        );
      }
    });

    test('a one-way message that is meant for another leader closes the connection, and is no fault of anybody', async () => {
      const { here, there, server } = await connected();
      here.send('fenced', undefined);
      expect(await world.settled(there.closed)).toMatchObject({ kind: 'local', error: { code: 'FENCED' } });
      const reason = await world.settled(here.closed);
      expect(reason).toMatchObject({ kind: 'peer', farewell: "'fenced' was not taken: another one leads" });
      expect(server.warnings).toEqual([]);
    });

    test('those who say hello and then nonsense, again and again, do not fill the log', async () => {
      const server = world.process({ role: 'jobmanager', resourceId: 'jm-1' });
      await server.listen();
      const visits = 40;
      for (let visit = 0; visit < visits; visit++) {
        const here = await world.settled(world.process().connect(server));
        here.send('trip', undefined);
        await world.settled(here.closed);
      }
      await world.settled(server.listener!.close());
      const leftOut = server.log.map((line) => Number(/^(\d+) more such lines/.exec(line)?.[1] ?? 0));
      const shown = server.log.filter((line) => line.startsWith('Closing the connection'));
      expect(shown.length + leftOut.reduce((sum, count) => sum + count)).toBe(visits);
      expect(server.log.length).toBeLessThan(visits);
    });

    test('what cannot be sent is an error for the sender, and the connection stays', async () => {
      const { here } = await connected({ frameBytesMax: 10_000, queueBytesMax: 100_000 });
      expect(await rejection(here.call('echo', () => 1))).toMatchObject({ code: 'BAD_RECORD' });
      expect(await rejection(here.call('echo', new Uint8Array(10_000)))).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
      expect(() => here.send('bulk', new Uint8Array(10_000))).toThrow(/pekko.framesize/);
      expect(await world.settled(here.call('echo', 1))).toBe(1);
    });

    test('an answer that is too large is an error of the call', async () => {
      const server = world.process({ role: 'jobmanager' }, { frameBytesMax: 1000 });
      const client = world.process({}, { frameBytesMax: 1000 });
      await server.listen(() =>
        accepted(
          { ...server.service, handlers: { ...server.service.handlers, echo: () => 'x'.repeat(2000) } },
          () => {},
        ),
      );
      const here = await world.settled(client.connect(server));
      const error = await rejection(here.call('echo', 1));
      expect(error.code).toBe('MESSAGE_TOO_LARGE');
      expect(error.message).toContain("the answer to 'echo' cannot be sent");
    });

    test('a call without an answer times out; an answer that comes later is dropped', async () => {
      const { here, server } = await connected();
      const waiting = rejection(here.call('wait', undefined, { timeoutMs: 20 }));
      await world.until(() => server.waiting.length === 1);
      expect(await waiting).toMatchObject({ code: 'TIMEOUT', retryable: true });
      server.waiting[0]!();
      expect(await world.settled(here.call('echo', 1))).toBe(1);
    });

    test('calls that wait are limited on both sides', async () => {
      const { here, server } = await connected({ pendingCallsMax: 3, runningCallsMax: 2 });
      const first = here.call('wait', undefined);
      const second = here.call('wait', undefined);
      const third = rejection(here.call('wait', undefined));
      expect(await rejection(here.call('wait', undefined))).toMatchObject({ code: 'OVERLOADED', retryable: true });
      expect(await third).toMatchObject({ code: 'OVERLOADED', retryable: true });
      server.waiting.forEach((release) => release());
      await world.settled(Promise.all([first, second]));
      expect(await world.settled(here.call('echo', 1))).toBe(1);
    });

    test('a queue that overflows closes the connection and says so', async () => {
      const { here, there } = await connected({ queueMessagesMax: 50 });
      for (let i = 0; i < 50; i++) {
        expect(here.send('note', { text: 'x' })).toBe(true);
      }
      expect(here.send('note', { text: 'x' })).toBe(false);
      const reason = await world.settled(here.closed);
      expect(reason).toMatchObject({ kind: 'local', error: { code: 'OVERLOADED' } });
      expect(here.send('note', { text: 'x' })).toBe(false);
      await world.settled(there.closed);
    });

    test('bytes that wait are limited too', async () => {
      const { here } = await connected({ frameBytesMax: MIB, queueBytesMax: 2 * MIB });
      let sent = 0;
      while (here.send('bulk', new Uint8Array(MIB - 100))) {
        sent++;
      }
      expect(sent).toBeGreaterThanOrEqual(2);
      expect(await world.settled(here.closed)).toMatchObject({ kind: 'local', error: { code: 'OVERLOADED' } });
    });
  });

  describe('the end', () => {
    test('is told apart: this side, the other side', async () => {
      const { here, there } = await connected();
      const lost = rejection(here.call('wait', undefined));
      there.close('going home');
      expect(await world.settled(there.closed)).toEqual({ kind: 'local' });
      const reason = await world.settled(here.closed);
      expect(reason).toEqual({ kind: 'peer', farewell: 'going home' });
      expect(endedByPeer(reason)).toBe(true);
      expect(await lost).toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
      expect((await lost).message).toContain('going home');
      expect(await rejection(here.call('echo', 1))).toMatchObject({ code: 'CONNECTION_LOST' });
      expect(here.send('note', { text: 'x' })).toBe(false);
    });

    test('comes after what was sent before', async () => {
      const { here, server } = await connected();
      for (let i = 0; i < 1000; i++) {
        here.send('note', { text: 'x' });
      }
      here.close();
      await world.until(() => server.notes.length === 1000);
      expect(await world.settled(server.connections[0]!.closed)).toEqual({ kind: 'peer' });
    });

    test('of a listener is that of its connections', async () => {
      const { here, server } = await connected();
      await world.settled(server.listener!.close('shutting down'));
      expect(await world.settled(here.closed)).toEqual({ kind: 'peer', farewell: 'shutting down' });
      expect(await rejection(world.process().connect(server))).toMatchObject({
        code: 'UNREACHABLE',
        retryable: true,
      });
      await world.until(() => server.listener!.connections.size === 0);
    });
  });

  describe('the hello', () => {
    const refusedBy = async (hello: Parameters<TransportWorld['process']>[0]): Promise<[string, string]> => {
      const server = world.process({ role: 'jobmanager', resourceId: 'jm-1' });
      await server.listen();
      const error = await rejection(world.process(hello).connect(server));
      expect(error.code).toBe('HELLO_REFUSED');
      await world.until(() => server.log.length > 0);
      expect(server.connections).toEqual([]);
      return [error.message, server.log[0]!];
    };

    test('refuses another version, and both sides say which', async () => {
      for (const message of await refusedBy({ protocolVersion: 2, packageVersion: '0.2.0' })) {
        expect(message).toContain('0.1.0 (protocol 1)');
        expect(message).toContain('0.2.0 (protocol 2)');
      }
    });

    test('refuses another cluster, and both sides say which', async () => {
      for (const message of await refusedBy({ clusterId: 'other' })) {
        expect(message).toContain("'other'");
        expect(message).toContain("'test'");
        expect(message).toContain('high-availability.cluster-id');
      }
    });

    test('is decided by the acceptor, at once or later', async () => {
      const reason = "resource id 'tm-1' is in use by a process that is alive";
      const refuse = (): never => {
        throw new MillraceError('HELLO_REFUSED', reason, { retryable: true });
      };
      for (const accept of [refuse, () => Promise.resolve().then(refuse)]) {
        const server = world.process();
        await server.listen(accept);
        const error = await rejection(world.process().connect(server));
        expect(error).toMatchObject({ code: 'HELLO_REFUSED', retryable: true });
        expect(error.message).toContain(reason);
        await world.until(() => server.log.some((line) => line.includes(reason)));
      }
    });

    test('carries the leadership that a process knows', async () => {
      const fence = { lineage: 'l', epoch: 7 };
      const server = world.process({ fence });
      await server.listen();
      const here = await world.settled(world.process().connect(server));
      expect(here.peer.fence).toEqual(fence);
      expect(server.connections[0]?.peer.fence).toBeUndefined();
    });

    test('is refused above the limit of connections', async () => {
      const server = world.process({}, { connectionsMax: 2 });
      await server.listen();
      const first = await world.settled(world.process().connect(server));
      await world.settled(world.process().connect(server));
      await world.until(() => server.connections.length === 2);
      const error = await rejection(world.process().connect(server));
      expect(error).toMatchObject({ code: 'HELLO_REFUSED', retryable: true });
      expect(error.message).toContain('2 connections');
      first.close();
      await world.until(() => server.listener!.connections.size === 1);
      expect((await world.settled(world.process().connect(server))).closeReason).toBeUndefined();
    });

    test('that the acceptor never answers ends by the time limit, or when given up', async () => {
      const server = world.process();
      await server.listen(() => new Promise(() => {}));
      const { transport, service } = world.process();
      const { address } = server.listener!;
      const error = await rejection(transport.connect(address, service, { timeoutMs: 30 }));
      expect(error).toMatchObject({ code: 'TIMEOUT', retryable: true });
      const controller = new AbortController();
      const given = rejection(transport.connect(address, service, { signal: controller.signal }));
      controller.abort();
      expect(await given).toMatchObject({ code: 'CONNECTION_LOST' });
      expect(await rejection(transport.connect(address, service, { signal: controller.signal }))).toMatchObject({
        code: 'CONNECTION_LOST',
      });
    });
  });

  describe('ports', () => {
    test('in use are skipped; none left is an error that names range and key', async () => {
      const first = await world.process().listen();
      const { port } = first.address;
      const range = parsePortRange(`${port},0`, 'x');
      const second = await world.process().listen(undefined, range);
      expect(second.address.port).not.toBe(port);
      const none = parsePortRange(`${port},${second.address.port}`, 'x');
      const sameHost = world.process();
      sameHost.listener = first;
      const error = await rejection(sameHost.listen(undefined, none));
      expect(error.code).toBe('ADDRESS_IN_USE');
      expect(error.message).toContain(none.text);
      expect(error.message).toContain('jobmanager.rpc.port');
    });

    test('where nobody listens are unreachable', async () => {
      const server = world.process();
      await server.listen();
      await world.settled(server.listener!.close());
      const error = await rejection(world.process().connect(server));
      expect(error).toMatchObject({ code: 'UNREACHABLE', retryable: true });
      expect(error.message).toContain(String(server.listener!.address.port));
    });
  });
});
