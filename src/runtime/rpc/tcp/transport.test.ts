import { expect, test } from 'vitest';
import { TcpWorld } from '../test-support/tcp-world.ts';

test('a network that does not get there is no proof that a process has ended', async () => {
  const world = new TcpWorld();
  const { transport, service } = world.process();
  // Nobody takes a connection to everybody; the kernel says so at once.
  const broadcast = transport.connect({ host: '255.255.255.255', port: 9 }, service);
  await expect(broadcast).rejects.toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
});
