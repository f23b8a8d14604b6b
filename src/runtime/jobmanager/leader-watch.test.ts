import { expect, test } from 'vitest';
import { SUSPICION_STEP_MS } from '../../coordination/leader-election.ts';
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

test('each standby waits a step longer than the one before it, and not for one that does not act', async () => {
  const { world, first, second } = await start();
  const third = await world.jobManager('three');
  await world.until(() => third.jobManager.leader?.isPublished === true, 'the third sees it');
  await world.pass(20);
  world.pause(second);
  const killedMs = world.clock.now();
  world.kill(first);
  await world.until(() => third.jobManager.isLeading, 'the third leads', LEASE_MS);
  const tookMs = world.clock.now() - killedMs;
  expect([tookMs >= SUSPICION_STEP_MS, tookMs < LEASE_MS / 2]).toEqual([true, true]);
});
