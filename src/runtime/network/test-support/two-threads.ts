import { Exchange } from '../exchange.ts';
import type { FrameConnection } from '../frame-connection.ts';
import { InputChannel } from '../input-channel.ts';
import type { OutputChannelOwner } from '../output-channel.ts';
import type { Batch } from '../stream-element.ts';

export const batch = (...values: unknown[]): Batch => ({ values, timestamps: undefined, count: values.length });

export const owner = (events: Partial<OutputChannelOwner> = {}): OutputChannelOwner => ({
  drained: () => {},
  failed: (error) => {
    throw error;
  },
  ...events,
});

export interface Consumer {
  readonly channel: InputChannel;
  readonly broken: string[];
  poll(): unknown;
}

export const consumer = (credit: number): Consumer => {
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
export const twoThreads = () => {
  const connections: FrameConnection[] = [];
  const wires: Uint8Array<ArrayBuffer>[][] = [[], []];
  const port = (to: number) => ({
    post: (frames: readonly Uint8Array<ArrayBuffer>[]) => frames.forEach((frame) => wires[to]!.push(frame)),
    close: () => {},
    isCongested: false,
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
