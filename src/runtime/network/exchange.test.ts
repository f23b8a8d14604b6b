import { describe, expect, test } from 'vitest';
import { Exchange } from './exchange.ts';
import { FRAME_HEADER_BYTES, makeFrame, readFrameHeader } from './frame.ts';
import { OutputChannel } from './output-channel.ts';
import type { StreamEvent } from './stream-element.ts';
import { batch, consumer, owner, twoThreads } from './test-support/two-threads.ts';

const BARRIER: StreamEvent = {
  kind: 'barrier',
  checkpointId: 7,
  timestampMs: 1,
  base: undefined,
  checkpoint: 'checkpoint',
  folder: '/c',
  stop: 'no',
};

describe.each(['one thread', 'two threads'])('Exchange in %s', (kind) => {
  const setUp = (credit: number) => {
    const drained: number[] = [];
    const output = new OutputChannel(owner({ drained: () => drained.push(1) }));
    const input = consumer(credit);
    if (kind === 'one thread') {
      const exchange = new Exchange(0, () => {});
      return {
        output,
        input,
        drained,
        deliver: () => {},
        produce: () => exchange.registerProducer('a#0#b', { output, operatorName: 'map' }),
        consume: () => exchange.registerConsumer('a#0#b', input.channel, { kind: 'thread', thread: 0 }),
      };
    }
    const threads = twoThreads();
    return {
      output,
      input,
      drained,
      deliver: threads.deliver,
      produce: () => threads.producer.registerProducer('a#0#b', { output, operatorName: 'map' }),
      consume: () => threads.consumer.registerConsumer('a#0#b', input.channel, { kind: 'thread', thread: 0 }),
    };
  };

  test('keeps the order of batches and events', () => {
    const { output, input, produce, consume, deliver } = setUp(10);
    produce();
    consume();
    output.send(batch(1, 2));
    output.sendEvent(BARRIER);
    output.send(batch('three'));
    output.sendEvent({ kind: 'end-of-partition' });
    deliver();
    expect([input.poll(), input.poll(), input.poll(), input.poll(), input.poll()]).toEqual([
      [1, 2],
      BARRIER,
      ['three'],
      { kind: 'end-of-partition' },
      undefined,
    ]);
  });

  test('whoever comes first waits for the other', () => {
    for (const order of ['produce', 'consume'] as const) {
      const both = setUp(10);
      both[order]();
      both.output.send(batch(order));
      both.deliver();
      both[order === 'produce' ? 'consume' : 'produce']();
      both.deliver();
      expect(both.input.poll()).toEqual([order]);
    }
  });

  test('never sends more than it has credit for, and goes on when credit comes back', () => {
    const { output, input, drained, produce, consume, deliver } = setUp(2);
    produce();
    consume();
    for (let i = 0; i < 5; i++) {
      output.send(batch(i));
    }
    deliver();
    expect(output.isBlocked).toBe(true);
    expect(input.poll()).toEqual([0]);
    expect(input.poll()).toEqual([1]);
    deliver();
    expect(output.isBlocked).toBe(true);
    expect([input.poll(), input.poll()]).toEqual([[2], [3]]);
    deliver();
    expect(output.isBlocked).toBe(false);
    expect(drained).toHaveLength(1);
    expect(input.poll()).toEqual([4]);
    expect(input.poll()).toBeUndefined();
  });

  test('an event waits behind the batches in front of it', () => {
    const { output, input, produce, consume, deliver } = setUp(1);
    produce();
    consume();
    output.send(batch(1));
    output.send(batch(2));
    output.sendEvent(BARRIER);
    deliver();
    expect([input.poll(), input.poll()]).toEqual([[1], kind === 'one thread' ? [2] : undefined]);
    deliver();
    if (kind === 'two threads') {
      expect(input.poll()).toEqual([2]);
      deliver();
    }
    expect(input.poll()).toEqual(BARRIER);
  });

  test('a producer that ends early says nothing: the JobManager knows why, and ends the consumer', () => {
    const early = setUp(2);
    early.produce();
    early.consume();
    early.deliver();
    early.output.close();
    early.deliver();
    expect(early.input.broken).toEqual([]);
    expect(early.input.poll()).toBeUndefined();

    const ended = setUp(2);
    ended.produce();
    ended.consume();
    ended.deliver();
    ended.output.sendEvent({ kind: 'end-of-partition' });
    ended.output.close();
    ended.deliver();
    expect(ended.input.broken).toEqual([]);
    expect(ended.input.poll()).toEqual({ kind: 'end-of-partition' });
  });
});

describe('a producer that has finished', () => {
  test('still delivers to a consumer that comes late, and is forgotten then', () => {
    const { producer, consumer: exchange, deliver } = twoThreads();
    const output = new OutputChannel(owner());
    const input = consumer(1);
    producer.registerProducer('k', { output, operatorName: 'map' });
    output.send(batch(1));
    output.send(batch(2));
    output.sendEvent({ kind: 'end-of-partition' });
    producer.release('k');
    exchange.registerConsumer('k', input.channel, { kind: 'thread', thread: 0 });
    const seen: unknown[] = [];
    for (let round = 0; round < 3; round++) {
      deliver();
      seen.push(input.poll());
    }
    expect(seen).toEqual([[1], [2], { kind: 'end-of-partition' }]);
    const closed: string[] = [];
    output.whenClosed(() => closed.push('closed'));
    expect(closed).toEqual(['closed']);
  });
});

describe('FrameConnection', () => {
  test('I10: a channel of another generation never meets this one', () => {
    const { producer, consumer: exchange, deliver } = twoThreads();
    const output = new OutputChannel(owner());
    const input = consumer(4);
    producer.registerProducer('job/1/v/0/1.1#0#job/1/w/0/1.1', { output, operatorName: 'map' });
    exchange.registerConsumer('job/1/v/0/1.2#0#job/1/w/0/1.2', input.channel, { kind: 'thread', thread: 0 });
    output.send(batch('old'));
    deliver();
    expect(input.poll()).toBeUndefined();
  });

  test('a gap in the sequence numbers breaks the channel', () => {
    const { producer, consumer: exchange, wires, connections, deliver } = twoThreads();
    const output = new OutputChannel(owner());
    const input = consumer(4);
    producer.registerProducer('k', { output, operatorName: 'map' });
    exchange.registerConsumer('k', input.channel, { kind: 'thread', thread: 0 });
    deliver();
    output.send(batch(1));
    output.send(batch(2));
    producer.flush();
    const [, second] = wires[1]!.splice(0);
    connections[1]!.receive(second!);
    expect(input.broken).toEqual(['frame 1 came where 0 was due']);
    expect(input.poll()).toBeUndefined();
  });

  test('a peer that dies breaks the channels that it fed', () => {
    const { producer, consumer: exchange, deliver } = twoThreads();
    const input = consumer(4);
    producer.registerProducer('k', { output: new OutputChannel(owner()), operatorName: 'map' });
    exchange.registerConsumer('k', input.channel, { kind: 'thread', thread: 0 });
    deliver();
    exchange.removePeer(0, 'its thread died');
    expect(input.broken).toEqual(['its thread died']);
  });
});

describe('frame', () => {
  test('reads what it wrote', () => {
    const frame = makeFrame('data', 3, 9, new Uint8Array([1, 2, 3]), true);
    expect(frame.byteLength).toBe(FRAME_HEADER_BYTES + 3);
    expect(readFrameHeader(frame, true)).toEqual({ type: 'data', channel: 3, sequence: 9, payloadBytes: 3 });
  });

  test('refuses what is damaged', () => {
    const frame = makeFrame('data', 3, 9, new Uint8Array([1, 2, 3]), true);
    for (const length of [0, 5, FRAME_HEADER_BYTES, frame.byteLength - 1]) {
      expect(() => readFrameHeader(frame.subarray(0, length), true)).toThrow(/frame/);
    }
    frame[FRAME_HEADER_BYTES]! ^= 1;
    expect(() => readFrameHeader(frame, true)).toThrow(/checksum/);
  });
});
