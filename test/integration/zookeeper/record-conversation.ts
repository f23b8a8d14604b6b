import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../../src/foundation/common/random.ts';
import { connectZooKeeper } from '../../../src/coordination/zookeeper/client/connect-zookeeper.ts';
import { FrameSplitter } from '../../../src/coordination/zookeeper/client/frame-splitter.ts';
import { TcpTransport } from '../../../src/coordination/zookeeper/client/tcp-transport.ts';
import { playRecordedScript } from '../../../src/coordination/zookeeper/client/test-support/recorded-script.ts';
import type { Transport } from '../../../src/coordination/zookeeper/client/transport.ts';
import { Ensemble } from './ensemble.ts';

/*
 * Records what client and server say to each other in `recorded-script.ts`, for tests without a server:
 * node test/integration/zookeeper/record-conversation.ts
 */
const OUTPUT = join(
  import.meta.dirname,
  '../../../src/coordination/zookeeper/client/test-support/recorded-conversation.txt',
);

const lines: string[] = [];
const tap = (direction: '>' | '<'): ((chunk: Uint8Array) => void) => {
  const splitter = new FrameSplitter(1 << 20);
  return (chunk) => {
    splitter.push(chunk);
    for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
      lines.push(`${direction} ${Buffer.from(frame).toString('hex')}`);
    }
  };
};
const tcp = new TcpTransport();
const transport: Transport = {
  resolve: (host) => tcp.resolve(host),
  open: (server, listener) => {
    const [sent, received] = [tap('>'), tap('<')];
    const link = tcp.open(server, {
      opened: () => listener.opened(),
      received: (chunk) => {
        received(new Uint8Array(chunk));
        listener.received(chunk);
      },
      closed: (problem) => listener.closed(problem),
    });
    return {
      send: (bytes) => {
        sent(new Uint8Array(bytes));
        link.send(bytes);
      },
      destroy: () => link.destroy(),
    };
  },
};

await using ensemble = await Ensemble.start({ servers: 1 });
const client = connectZooKeeper({
  connectString: ensemble.connectString,
  sessionTimeoutMs: 10_000,
  transport,
  random: seededRandom(1),
});
const results = await playRecordedScript(client);
await client.close();
lines.push(...results.map((result) => `= ${result}`));
writeFileSync(OUTPUT, `${lines.join('\n')}\n`);
