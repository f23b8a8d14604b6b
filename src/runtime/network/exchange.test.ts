import { describe, expect, test } from 'vitest';
import { Exchange } from './exchange.ts';
import type { FrameConnection } from './frame-connection.ts';
import { FRAME_HEADER_BYTES, makeFrame, readFrameHeader } from './frame.ts';
import { InputChannel } from './input-channel.ts';
import { OutputChannel } from './output-channel.ts';
import type { OutputChannelOwner } from './output-channel.ts';
import type { Batch, StreamEvent } from './stream-element.ts';

const batch = (...values: unknown[]): Batch => ({ values, timestamps: undefined, count: values.length });

const owner = (events: Partial<OutputChannelOwner> = {}): OutputChannelOwner => ({
  drained: () => {},
  failed: (error) => {
    throw error;
  },
  ...events,
});

interface Consumer {
  readonly channel: InputChannel;
  readonly broken: string[];
  poll(): unknown;
}

const consumer = (credit: number): Consumer => {
  const broken: string[] = [];
  const channel = new InputChannel(0, 0, credit, {
    channelReady: () => {},
    channelBroken: (_channel, reason) => broken.push(reason),
  });
  return {
    channel,
    broken,
    poll: () => {
      const element = channel.poll();
      return element === undefined || 'kind' in element ? element : [...element.values];
    },
  };
};

/** Two threads whose frames are delivered by hand. */
const twoThreads = () => {
  const connections: FrameConnection[] = [];
  const wires: Uint8Array<ArrayBuffer>[][] = [[], []];
  const port = (to: number) => ({
    post: (frames: readonly Uint8Array<ArrayBuffer>[]) => void wires[to]!.push(...frames),
    close: () => {},
  });
  const exchanges = [0, 1].map((index) => {
    const exchange = new Exchange(index, () => {});
    connections.push(exchange.addPeer(1 - index, port(1 - index)));
    return exchange;
  });
  const deliver = (): void => {
    for (let moved = true; moved;) {
      exchanges.forEach((exchange) => exchange.flush());
      moved = false;
      for (const [to, wire] of wires.entries()) {
        for (const frame of wire.splice(0)) {
          moved = true;
          connections[to]!.receive(frame);
        }
      }
    }
  };
  return { producer: exchanges[0]!, consumer: exchanges[1]!, connections, wires, deliver };
};

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
        consume: () => exchange.registerConsumer('a#0#b', input.channel, 0),
      };
    }
    const threads = twoThreads();
    return {
      output,
      input,
      drained,
      deliver: threads.deliver,
      produce: () => threads.producer.registerProducer('a#0#b', { output, operatorName: 'map' }),
      consume: () => threads.consumer.registerConsumer('a#0#b', input.channel, 0),
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
    exchange.registerConsumer('k', input.channel, 0);
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
    exchange.registerConsumer('job/1/v/0/1.2#0#job/1/w/0/1.2', input.channel, 0);
    output.send(batch('old'));
    deliver();
    expect(input.poll()).toBeUndefined();
  });

  test('a gap in the sequence numbers breaks the channel', () => {
    const { producer, consumer: exchange, wires, connections, deliver } = twoThreads();
    const output = new OutputChannel(owner());
    const input = consumer(4);
    producer.registerProducer('k', { output, operatorName: 'map' });
    exchange.registerConsumer('k', input.channel, 0);
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
    exchange.registerConsumer('k', input.channel, 0);
    deliver();
    exchange.removePeer(0, 'its thread died');
    expect(input.broken).toEqual(['its thread died']);
  });
});

describe('what goes wrong in a channel concerns that channel', () => {
  test('a batch that waited for credit and cannot be encoded fails its producer, not the thread that granted', () => {
    const { producer, consumer: exchange, deliver } = twoThreads();
    const failures: string[] = [];
    const output = new OutputChannel(owner({ failed: (error) => failures.push(String(error)) }));
    const neighbour = new OutputChannel(owner());
    const inputs = [consumer(1), consumer(1)];
    producer.registerProducer('k', { output, operatorName: 'map' });
    producer.registerProducer('n', { output: neighbour, operatorName: 'map' });
    output.send(batch(1));
    output.send(batch(() => {}));
    neighbour.send(batch('fine'));
    exchange.registerConsumer('k', inputs[0]!.channel, 0);
    exchange.registerConsumer('n', inputs[1]!.channel, 0);
    deliver();
    expect(inputs[0]!.poll()).toEqual([1]);
    deliver();
    expect(failures).toEqual([expect.stringContaining('operator "map"')]);
    expect(inputs[1]!.poll()).toEqual(['fine']);
  });

  test('an event that cannot be read breaks its channel only', () => {
    const { producer, consumer: exchange, connections, deliver } = twoThreads();
    const inputs = [consumer(2), consumer(2)];
    const outputs = ['a', 'b'].map((key, index) => {
      const output = new OutputChannel(owner());
      producer.registerProducer(key, { output, operatorName: 'map' });
      exchange.registerConsumer(key, inputs[index]!.channel, 0);
      return output;
    });
    deliver();
    connections[1]!.receive(makeFrame('event', 0, 0, new Uint8Array([255, 255, 255]), false));
    expect(inputs.map(({ broken }) => broken.length)).toEqual([1, 0]);
    outputs[1]!.send(batch('still there'));
    deliver();
    expect(inputs[1]!.poll()).toEqual(['still there']);
  });

  test('a frame that is none breaks every channel of its connection, on both sides, and no later one', () => {
    const { producer, consumer: exchange, connections, deliver } = twoThreads();
    const failures: unknown[] = [];
    const input = consumer(2);
    producer.registerProducer('k', {
      output: new OutputChannel(owner({ failed: (error) => failures.push(error) })),
      operatorName: 'map',
    });
    exchange.registerConsumer('k', input.channel, 0);
    deliver();
    connections[0]!.receive(new Uint8Array(3));
    connections[1]!.receive(new Uint8Array(3));
    expect(failures).toEqual([expect.objectContaining({ code: 'CHANNEL_LOST' })]);
    expect(input.broken).toHaveLength(1);
    const later = consumer(2);
    const output = new OutputChannel(owner());
    producer.registerProducer('later', { output, operatorName: 'map' });
    exchange.registerConsumer('later', later.channel, 0);
    output.send(batch(1));
    deliver();
    expect(later.poll()).toEqual([1]);
  });

  test('a channel whose consumer is slow does not hold up its neighbour', () => {
    const { producer, consumer: exchange, deliver } = twoThreads();
    const outputs = ['slow', 'fast'].map((key) => {
      const output = new OutputChannel(owner());
      producer.registerProducer(key, { output, operatorName: 'map' });
      return output;
    });
    const slow = consumer(1);
    const fast = consumer(1);
    exchange.registerConsumer('slow', slow.channel, 0);
    exchange.registerConsumer('fast', fast.channel, 0);
    for (let i = 0; i < 10; i++) {
      outputs.forEach((output) => output.send(batch(i)));
    }
    const seen: unknown[] = [];
    for (let i = 0; i < 10; i++) {
      deliver();
      seen.push(fast.poll());
    }
    expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => [i]));
    expect(outputs.map(({ isBlocked }) => isBlocked)).toEqual([true, false]);
  });
});

describe('nothing is kept', () => {
  test('of a consumer that went before its producer came', () => {
    const { producer, consumer: exchange, deliver } = twoThreads();
    const input = consumer(2);
    exchange.registerConsumer('k', input.channel, 0);
    deliver();
    expect(producer.size).toBe(1);
    input.channel.close();
    deliver();
    expect(producer.size).toBe(0);
  });

  test('of a consumer whose thread died before its producer came', () => {
    const { producer, consumer: exchange, deliver } = twoThreads();
    exchange.registerConsumer('k', consumer(2).channel, 0);
    deliver();
    producer.removePeer(1, 'it died');
    expect(producer.size).toBe(0);
  });

  test('of a producer whose consumer went, and it does not wait for it', () => {
    const { producer, consumer: exchange, deliver } = twoThreads();
    const drained: number[] = [];
    const output = new OutputChannel(owner({ drained: () => drained.push(1) }));
    const input = consumer(1);
    producer.registerProducer('k', { output, operatorName: 'map' });
    exchange.registerConsumer('k', input.channel, 0);
    deliver();
    output.send(batch(1));
    output.send(batch(2));
    expect(output.isBlocked).toBe(true);
    producer.release('k');
    input.channel.close();
    deliver();
    expect(output.isBlocked).toBe(false);
    expect(drained).toEqual([1]);
    expect(producer.size).toBe(0);
  });

  test('of watermarks that a newer one follows', () => {
    const { producer, consumer: exchange, deliver } = twoThreads();
    const output = new OutputChannel(owner());
    const input = consumer(1);
    producer.registerProducer('k', { output, operatorName: 'map' });
    for (let watermark = 0; watermark < 1000; watermark++) {
      output.sendEvent({ kind: 'watermark', watermark });
    }
    exchange.registerConsumer('k', input.channel, 0);
    deliver();
    for (let watermark = 1000; watermark < 200_000; watermark++) {
      output.sendEvent({ kind: 'watermark', watermark });
    }
    deliver();
    expect(input.poll()).toEqual({ kind: 'watermark', watermark: 199_999 });
    expect(input.poll()).toBeUndefined();
  });
});

describe('frame', () => {
  test('reads what it wrote', () => {
    const frame = makeFrame('data', 3, 9, new Uint8Array([1, 2, 3]), true);
    expect(frame.byteLength).toBe(FRAME_HEADER_BYTES + 3);
    expect(readFrameHeader(frame)).toEqual({ type: 'data', channel: 3, sequence: 9, payloadBytes: 3 });
  });

  test('refuses what is damaged', () => {
    const frame = makeFrame('data', 3, 9, new Uint8Array([1, 2, 3]), true);
    for (const length of [0, 5, FRAME_HEADER_BYTES, frame.byteLength - 1]) {
      expect(() => readFrameHeader(frame.subarray(0, length))).toThrow(/frame/);
    }
    frame[FRAME_HEADER_BYTES]! ^= 1;
    expect(() => readFrameHeader(frame)).toThrow(/checksum/);
  });
});
