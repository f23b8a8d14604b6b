import { expect, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import { parsePortRange } from '../rpc/port-range.ts';
import { parseAddress } from '../rpc/rpc-address.ts';
import { ClusterWorld, LEASE_MS } from './test-support/cluster-world.ts';

const start = async () => {
  const world = new ClusterWorld();
  const first = await world.jobManager('one');
  await world.until(() => first.jobManager.isLeading, 'the first leads');
  const second = await world.jobManager('two');
  await world.until(() => second.jobManager.leader?.isPublished === true, 'the second sees it');
  // It connects.
  await world.pass(20);
  return { world, first, second };
};

test('a leader behind a cut cable is silent, which is no sign of its death', async () => {
  const { world, first, second } = await start();
  world.network.cut('one', 'two');
  world.network.cut('two', 'one');
  world.network.break('one', 'two');
  await world.pass(2 * LEASE_MS);
  expect(first.jobManager.leadership?.epoch).toBe(1);
  expect(second.jobManager.isLeading).toBe(false);
});

test('a leader whose address another process has got is dead', async () => {
  const { world, first, second } = await start();
  const { port } = parseAddress(first.jobManager.endpoints.rpcAddress);
  world.kill(first);
  await world.transport('one', 'jobmanager', 'another', world.clock, silentLogger).listen({
    host: 'one',
    ports: parsePortRange(String(port), 'jobmanager.rpc.port'),
    portsKey: 'jobmanager.rpc.port',
    accept: (peer) => second.jobManager.service.accept(peer),
  });
  const killedMs = world.clock.now();
  await world.until(() => second.jobManager.isLeading, 'the second leads', 3 * LEASE_MS);
  expect(world.clock.now() - killedMs).toBeLessThan(LEASE_MS / 2);
});
