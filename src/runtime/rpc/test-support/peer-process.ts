/**
 * A process that serves the test protocol over TCP: `node --expose-gc peer-process.ts listen` prints its port,
 * `connect <port>` connects. The rest of the arguments is JSON: limits.
 */
import { systemClock } from '../../../foundation/common/system-clock.ts';
import type { RpcLimits } from '../rpc-limits.ts';
import { accepted } from '../rpc-transport.ts';
import { TcpTransport } from '../tcp/transport.ts';
import { peerProtocol } from './peer-protocol.ts';
import { TestProcess } from './transport-world.ts';

const [mode, argument = '{}'] = process.argv.slice(2);
const limits = mode === 'listen' ? (JSON.parse(argument) as Partial<RpcLimits>) : {};
const peer = new TestProcess((context) => new TcpTransport(context), systemClock, { resourceId: 'child' }, limits);

const service = {
  serves: peerProtocol,
  calls: peerProtocol,
  handlers: {
    ...peer.service.handlers,
    memory: () => {
      globalThis.gc?.();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return { bytes: heapUsed + arrayBuffers, connections: peer.listener?.connections.size ?? 0 };
    },
  },
};

if (mode === 'listen') {
  const listener = await peer.listen(() => accepted(service, () => {}));
  process.stdout.write(`${listener.address.port}\n`);
} else {
  await peer.transport.connect({ host: '127.0.0.1', port: Number(argument) }, service);
}
