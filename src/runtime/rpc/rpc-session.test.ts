import { describe, expect, test } from 'vitest';
import type { ErrorInfo } from '../../foundation/common/errors.ts';
import { silentLogger } from '../../foundation/common/logger.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { Acceptor } from './acceptor.ts';
import { Handshake } from './handshake.ts';
import { encodeHandshake } from './handshake-message.ts';
import type { Hello } from './hello.ts';
import type { RpcConnection } from './rpc-connection.ts';
import type { RpcContext } from './rpc-context.ts';
import { defaultLimits, type RpcLimits } from './rpc-limits.ts';
import { untyped } from './rpc-protocol.ts';
import { RpcSession } from './rpc-session.ts';
import { FakeLink } from './test-support/fake-link.ts';
import { TestEndpoint, type TestProtocol } from './test-support/test-protocol.ts';

const own: Hello = {
  protocolVersion: 1,
  packageVersion: '0.1.0',
  clusterId: 'test',
  role: 'jobmanager',
  instanceId: 'i',
  resourceId: 'jm',
};
const { protocolVersion, ...body } = own;
const hello = encodeHandshake({ kind: 'hello', protocolVersion, body });
const ready = encodeHandshake({ kind: 'ready', protocolVersion, body: {} });

class Sides {
  readonly clock = new ManualClock();
  readonly link = new FakeLink();
  readonly endpoint = new TestEndpoint();
  readonly context: RpcContext;
  readonly session: RpcConnection<TestProtocol>;

  constructor(limits: Partial<RpcLimits> = {}) {
    this.context = {
      clock: this.clock,
      logger: silentLogger,
      limits: { ...defaultLimits, ...limits },
      self: () => own,
    };
    this.session = new RpcSession(this.link, own, untyped(this.endpoint.service), this.context);
  }

  get failures(): readonly string[] {
    return this.link.messages.flatMap((message) =>
      message.kind === 'failure' ? [(message.value as ErrorInfo).message] : [],
    );
  }
}

describe('a session', () => {
  test('answers calls of methods that it has as calls, and nothing else', () => {
    const session = new Sides();
    const methods = ['nosuch', 'note', '__proto__', 'constructor', 'toString', ''];
    methods.forEach((method, id) => session.link.receive({ kind: 'call', id, method, value: { text: 'x' } }));
    expect(session.failures.length).toBe(methods.length);
    session.failures.forEach((message) => expect(message).toContain('there is no call'));
    expect(session.endpoint.notes).toEqual([]);
    expect(session.session.closeReason).toBeUndefined();
  });

  test.each(['nosuch', 'echo', 'constructor', '__proto__'])(
    'ends over the one-way message %j that it has not',
    (method) => {
      const { link, session } = new Sides();
      link.receive({ kind: 'send', method, value: 1 });
      expect(session.closeReason).toMatchObject({ kind: 'local', error: { code: 'PROTOCOL' } });
      expect(link.messages).toMatchObject([{ kind: 'farewell' }]);
      expect(link.how).toBe('ended');
    },
  );

  test('ends over the answer to a call that it never made', async () => {
    for (const kind of ['reply', 'failure'] as const) {
      const { link, session } = new Sides();
      const call = session.call('echo', 1);
      link.receive({ kind: 'reply', id: 0, value: 1 });
      expect(await call).toBe(1);
      link.receive({ kind: 'reply', id: 0, value: 2 });
      expect(session.closeReason).toBeUndefined();
      link.receive({ kind, id: 1, value: { name: 'Error', message: 'x' } });
      expect(session.closeReason).toMatchObject({ kind: 'local', error: { code: 'PROTOCOL' } });
    }
  });

  test('ends over bytes that are no message', () => {
    for (const hex of ['00', '09', '01', '0100', '05ff', '0300', '030000ff', '04000b0100']) {
      const { link, session } = new Sides();
      link.receive(Buffer.from(`00000000${hex}`, 'hex'));
      expect(session.closeReason, `bytes ${hex}`).toMatchObject({ kind: 'local', error: { code: 'PROTOCOL' } });
    }
  });

  test('ends over a message that takes far more memory than bytes', () => {
    for (const item of [[], {}, new Map(), new Set(), /x/u, new Uint8Array(0), new Error('x')]) {
      const { link, session } = new Sides({ objectsMax: 1000 });
      link.receive({ kind: 'call', id: 0, method: 'echo', value: new Array<unknown>(999).fill(item) });
      expect(session.closeReason).toBeUndefined();
      expect(link.messages).toMatchObject([{ kind: 'reply' }]);
      link.receive({ kind: 'call', id: 1, method: 'echo', value: new Array<unknown>(1000).fill(item) });
      expect(session.closeReason).toMatchObject({
        error: { code: 'PROTOCOL', message: expect.stringContaining('more objects') as string },
      });
    }
  });

  test('keeps nothing of calls that are over', async () => {
    const { link, session, clock } = new Sides({ pendingCallsMax: 1 });
    const answered = session.call('echo', 1);
    expect(clock.timerCount).toBe(1);
    link.receive({ kind: 'reply', id: 0, value: 1 });
    await answered;
    expect(clock.timerCount).toBe(0);
    const late = session.call('echo', 2);
    clock.advanceBy(defaultLimits.askTimeoutMs);
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT' });
    const lost = session.call('echo', 3);
    session.close();
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(clock.timerCount).toBe(0);
  });

  test('does not count a call that could not be sent', async () => {
    const { session, clock, link } = new Sides({ pendingCallsMax: 1 });
    await expect(session.call('echo', () => 1)).rejects.toMatchObject({ code: 'BAD_RECORD' });
    expect(clock.timerCount).toBe(0);
    const next = session.call('echo', 1);
    link.receive({ kind: 'reply', id: 0, value: 'x' });
    expect(await next).toBe('x');
  });

  test('says nothing more once it has ended', async () => {
    const { link, session, endpoint } = new Sides();
    link.receive({ kind: 'call', id: 0, method: 'wait', value: undefined });
    session.close('bye');
    link.receive({ kind: 'send', method: 'note', value: { text: 'late' } });
    endpoint.waiting[0]?.();
    await Promise.resolve();
    link.receiver?.ended({ kind: 'peer' });
    session.close('again');
    expect(link.messages).toEqual([{ kind: 'farewell', text: 'bye' }]);
    expect(endpoint.notes).toEqual([]);
    expect(await session.closed).toEqual({ kind: 'local' });
  });

  test('knows when it was last sent anything', () => {
    const { link, session, clock } = new Sides();
    clock.advanceBy(500);
    expect(session.lastReceivedMs).toBe(0);
    link.receive({ kind: 'send', method: 'note', value: { text: 'x' } });
    expect(session.lastReceivedMs).toBe(500);
  });
});

describe('an acceptor', () => {
  test('ends the oldest of too many that say nothing, and those who take too long', () => {
    const { clock, context } = new Sides({ handshakesMax: 2, handshakeTimeoutMs: 1000 });
    const acceptor = new Acceptor(context, () => {
      throw new Error('not asked');
    });
    const links = Array.from({ length: 4 }, (_, i) => {
      clock.advanceBy(100);
      const link = new FakeLink();
      acceptor.begin(
        link,
        acceptor.visit(`visitor ${i}`, () => link.destroy()),
      );
      return link;
    });
    expect(links.map(({ how }) => how)).toEqual(['destroyed', 'destroyed', undefined, undefined]);
    expect(acceptor.visitCount).toBe(2);
    clock.advanceBy(900);
    expect(links[2]?.how).toBe('destroyed');
    clock.advanceBy(100);
    expect([links[3]?.how, acceptor.visitCount, clock.timerCount]).toEqual(['destroyed', 0, 0]);
  });
});

describe('an acceptor in a crowd', () => {
  test('keeps those who have said hello', () => {
    const { context } = new Sides({ handshakesMax: 2 });
    const acceptor = new Acceptor(context, () => new Promise(() => {}));
    const visit = (says?: Uint8Array): FakeLink => {
      const link = new FakeLink();
      acceptor.begin(
        link,
        acceptor.visit('somebody', () => link.destroy()),
      );
      if (says !== undefined) {
        link.receive(says);
      }
      return link;
    };
    const polite = visit(hello);
    const silent = visit();
    const another = visit(hello);
    const late = visit();
    expect([polite, silent, another, late].map(({ how }) => how)).toEqual([
      undefined,
      'destroyed',
      undefined,
      'destroyed',
    ]);
  });
});

describe('a handshake', () => {
  const acceptor = (judge: () => Promise<string>) => {
    const link = new FakeLink();
    const seen: string[] = [];
    const handshake = new Handshake<string>('acceptor', {
      link,
      own,
      judge,
      agreed: (_, judgement) => seen.push(judgement),
      failed: (error) => seen.push(error.code),
    });
    handshake.start();
    return { link, seen, handshake };
  };

  test('is over when the visitor leaves while it is judged', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const { link, seen } = acceptor(() => promise);
    link.receive(hello);
    link.receiver?.ended({ kind: 'peer' });
    resolve('welcome');
    await promise;
    link.receive(ready);
    expect(seen).toEqual(['CONNECTION_LOST']);
    expect(link.frames).toEqual([]);
  });

  test('refuses what comes out of turn', async () => {
    for (const [first, second] of [
      [ready, ready],
      [hello, hello],
      [hello, ready],
    ] as const) {
      const { link, seen } = acceptor(() => new Promise(() => {}));
      link.receive(first);
      link.receive(second);
      expect(seen).toEqual(['PROTOCOL']);
      expect(link.how).toBe('destroyed');
    }
    const { link, seen } = acceptor(() => Promise.resolve('welcome'));
    link.receive(hello);
    await Promise.resolve();
    link.receive(hello);
    expect(seen).toEqual(['PROTOCOL']);
  });
});
