import { describe, expect, test } from 'vitest';
import { makeFrame } from './frame.ts';
import { OutputChannel } from './output-channel.ts';
import { batch, consumer, owner, twoThreads } from './test-support/two-threads.ts';

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
    exchange.registerConsumer('k', inputs[0]!.channel, { kind: 'thread', thread: 0 });
    exchange.registerConsumer('n', inputs[1]!.channel, { kind: 'thread', thread: 0 });
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
      exchange.registerConsumer(key, inputs[index]!.channel, { kind: 'thread', thread: 0 });
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
    exchange.registerConsumer('k', input.channel, { kind: 'thread', thread: 0 });
    deliver();
    connections[0]!.receive(new Uint8Array(3));
    connections[1]!.receive(new Uint8Array(3));
    expect(failures).toEqual([expect.objectContaining({ code: 'CHANNEL_LOST' })]);
    expect(input.broken).toHaveLength(1);
    const later = consumer(2);
    const output = new OutputChannel(owner());
    producer.registerProducer('later', { output, operatorName: 'map' });
    exchange.registerConsumer('later', later.channel, { kind: 'thread', thread: 0 });
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
    exchange.registerConsumer('slow', slow.channel, { kind: 'thread', thread: 0 });
    exchange.registerConsumer('fast', fast.channel, { kind: 'thread', thread: 0 });
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
    exchange.registerConsumer('k', input.channel, { kind: 'thread', thread: 0 });
    deliver();
    expect(producer.size).toBe(1);
    input.channel.close();
    deliver();
    expect(producer.size).toBe(0);
  });

  test('of a consumer whose thread died before its producer came', () => {
    const { producer, consumer: exchange, deliver } = twoThreads();
    exchange.registerConsumer('k', consumer(2).channel, { kind: 'thread', thread: 0 });
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
    exchange.registerConsumer('k', input.channel, { kind: 'thread', thread: 0 });
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
    exchange.registerConsumer('k', input.channel, { kind: 'thread', thread: 0 });
    deliver();
    for (let watermark = 1000; watermark < 200_000; watermark++) {
      output.sendEvent({ kind: 'watermark', watermark });
    }
    deliver();
    expect(input.poll()).toEqual({ kind: 'watermark', watermark: 199_999 });
    expect(input.poll()).toBeUndefined();
  });
});
