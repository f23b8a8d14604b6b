import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../foundation/common/random.ts';
import { digestMd5 } from './digest-md5.ts';
import { ClientWorld } from './test-support/client-world.ts';
import { rest, type FakeLink } from './test-support/fake-network.ts';
import { OP } from './wire-codes.ts';

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();
const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);
const md5 = (of: string | Buffer): Buffer => createHash('md5').update(of).digest();

const CHALLENGE = bytes('realm="zk-sasl-md5",nonce="n+/\\"o",qop="auth,auth-int",charset=utf-8,algorithm=md5-sess');

/** As a server works it out from what the client said. */
const proofOf = (answer: string, password: string, method: string): string => {
  const field = (name: string): string => new RegExp(`${name}="?((?:[^",\\\\]|\\\\.)*)"?`).exec(answer)![1]!;
  const nonce = field('[^c]nonce').replaceAll('\\', '');
  const secret = Buffer.concat([
    md5(`${field('username')}:${field('realm')}:${password}`),
    Buffer.from(`:${nonce}:${field('cnonce')}`),
  ]);
  const hex = (of: Buffer): string => of.toString('hex');
  return hex(
    md5(`${hex(md5(secret))}:${nonce}:00000001:${field('cnonce')}:auth:${hex(md5(`${method}:zookeeper/zk-sasl-md5`))}`),
  );
};

describe('DIGEST-MD5', () => {
  const mechanism = digestMd5({ username: 'alice', password: 'secret', random: seededRandom(3) });

  test('proves the password to a server that proves it too', () => {
    const exchange = mechanism.begin();
    expect(exchange.first).toEqual(new Uint8Array(0));
    const answer = text(exchange.answer(CHALLENGE));
    expect(answer).toContain(`response=${proofOf(answer, 'secret', 'AUTHENTICATE')},`);
    expect(answer).toContain('username="alice",realm="zk-sasl-md5",nonce="n+/\\"o",nc=00000001,');
    expect(answer).not.toContain('secret');
    expect(exchange.answer(bytes(`rspauth=${proofOf(answer, 'secret', '')}`))).toBeUndefined();
  });

  test('is different each time', () => {
    expect(text(mechanism.begin().answer(CHALLENGE))).not.toBe(text(mechanism.begin().answer(CHALLENGE)));
  });

  test('does not believe a server without the right proof', () => {
    const exchange = mechanism.begin();
    const answer = text(exchange.answer(CHALLENGE));
    expect(() => exchange.answer(bytes(`rspauth=${proofOf(answer, 'guessed', '')}`))).toThrow(/did not prove/);
    expect(() => mechanism.begin().answer(bytes('qop="auth-conf",nonce="x"'))).toThrow(/no DIGEST-MD5/);
    expect(() => mechanism.begin().answer(bytes(''))).toThrow(/no DIGEST-MD5/);
  });
});

describe('a client with SASL', () => {
  const opened = async () => {
    const world = new ClientWorld({
      sasl: {
        name: 'test',
        begin: () => ({ first: bytes('one'), answer: (said) => (text(said) === 'more' ? bytes('two') : undefined) }),
      },
      auth: [{ scheme: 'digest', credentials: bytes('x') }],
    });
    world.track('get', world.client.get('/a'));
    await rest();
    world.network.link.welcome();
    await rest();
    return world;
  };
  const asked = (link: FakeLink) => link.take().map(({ xid, op, body }) => ({ xid, op, body }));

  test('proves who it is before anything else is sent', async () => {
    const world = await opened();
    const { link } = world.network;
    const [first, ...others] = asked(link);
    expect([first!.op, text(first!.body.buffer()), others]).toEqual([OP.sasl, 'one', []]);
    link.answer(first!.xid, 0n, 0, (writer) => writer.buffer(bytes('more')));
    await rest();
    const [second] = asked(link);
    expect(text(second!.body.buffer())).toBe('two');
    expect(world.client.state).toBe('connecting');
    link.answer(second!.xid, 0n, 0, (writer) => writer.buffer(bytes('')));
    await rest();
    expect(asked(link).map(({ op }) => op)).toEqual([OP.auth, OP.getData]);
    expect(world.client.state).toBe('connected');
  });

  test('is over where the server refuses', async () => {
    const world = await opened();
    world.network.link.answer(asked(world.network.link)[0]!.xid, 0n, -115);
    await rest();
    expect([world.client.state, world.ended]).toEqual(['auth-failed', ['get AUTH_FAILED']]);
  });

  test('goes on where the connection is lost in the middle', async () => {
    const world = await opened();
    world.network.link.close();
    await world.reconnected();
    world.network.link.welcome();
    await rest();
    expect(asked(world.network.link).map(({ op }) => op)).toEqual([OP.sasl]);
  });
});
