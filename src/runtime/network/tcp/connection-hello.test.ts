import { describe, expect, test } from 'vitest';
import { HelloReader, decodeAnswer, decodeHello, encodeAnswer, encodeHello, objectionTo } from './connection-hello.ts';
import type { ConnectionHello } from './connection-hello.ts';

const hello: ConnectionHello = {
  clusterId: 'c',
  from: { instanceId: 'tm-1', thread: 3 },
  to: { instanceId: 'tm-2', thread: 0 },
};

describe('the hello of a connection', () => {
  test('is read however it is split, with what comes behind it', () => {
    const bytes = Buffer.concat([encodeHello(hello), Buffer.from('rest')]);
    for (let at = 0; at <= bytes.byteLength; at++) {
      const reader = new HelloReader();
      const first = reader.push(bytes.subarray(0, at));
      const message = first ?? reader.push(bytes.subarray(at));
      expect(decodeHello(message!.body)).toEqual(hello);
      const later = first === undefined ? '' : bytes.subarray(at).toString();
      expect(Buffer.from(message!.rest).toString() + later).toBe('rest');
    }
  });

  test('of somebody else is refused at the first byte that is wrong', () => {
    const reader = new HelloReader();
    expect(reader.push(Buffer.from('MILL'))).toBeUndefined();
    expect(() => reader.push(Buffer.from('X'))).toThrow(/does not speak the protocol/);
    expect(() => new HelloReader().push(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow(/does not speak the protocol/);
  });

  test('of another version says which', () => {
    const bytes = Buffer.from(encodeHello(hello));
    bytes.writeUInt16LE(7, 8);
    expect(() => new HelloReader().push(bytes)).toThrow(/version 7 .* this process version 1/);
  });

  test('of a length that none has is refused before it is there', () => {
    const bytes = Buffer.from(encodeHello(hello).subarray(0, 12));
    bytes.writeUInt16LE(60_000, 10);
    expect(() => new HelloReader().push(bytes)).toThrow(/60000 bytes/);
  });

  test('names who is meant: another cluster, process or thread is refused', () => {
    const own = hello.to;
    expect(objectionTo(hello, 'c', own)).toBeUndefined();
    expect(objectionTo(hello, 'd', own)).toContain('cluster d, not c');
    expect(objectionTo(hello, 'c', { ...own, thread: 1 })).toContain('thread 1 of TaskManager tm-2, not thread 0');
    expect(objectionTo(hello, 'c', { ...own, instanceId: 'new' })).toContain('TaskManager new, not thread 0 of');
  });

  test('an answer says why', () => {
    for (const verdict of ['accepted', 'refused', 'busy'] as const) {
      const message = new HelloReader().push(encodeAnswer({ verdict, reason: 'so\nit is' }));
      expect(decodeAnswer(message!.body)).toEqual({ verdict, reason: 'so it is' });
    }
    expect(() => decodeAnswer(Uint8Array.of(9, 0))).toThrow(/answer that is none/);
  });
});
