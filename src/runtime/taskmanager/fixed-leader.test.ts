import { expect, test } from 'vitest';
import type { LeaderInformation } from '../../coordination/leadership.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Fence } from '../../foundation/common/fence.ts';
import { anyPort } from '../rpc/port-range.ts';
import type { RpcAddress } from '../rpc/rpc-address.ts';
import { accepted, type RpcListener } from '../rpc/rpc-transport.ts';
import { InMemoryWorld } from '../rpc/test-support/in-memory-world.ts';
import { FixedLeader } from './fixed-leader.ts';
import { contextOf } from './test-support/fake-leader.ts';

const ADDRESS: RpcAddress = { host: 'jm', port: 1 };

class World extends InMemoryWorld {
  readonly log: string[] = [];
  readonly told: (LeaderInformation | undefined)[] = [];
  readonly fixed: FixedLeader;

  constructor() {
    super();
    const note = (message: string): void => void this.log.push(message);
    this.fixed = new FixedLeader({
      transport: this.network.transport('tm', contextOf(this.clock, 'taskmanager', 'tm')),
      addresses: [ADDRESS],
      where: 'jm:1',
      clock: this.clock,
      logger: { debug: note, info: note, warn: note, error: note },
    });
  }

  listening(role: 'jobmanager' | 'taskmanager', name: string, fence: () => Fence | undefined): Promise<RpcListener> {
    const context = contextOf(this.clock, role, name);
    const self = (): ReturnType<typeof context.self> => {
      const own = fence();
      return own === undefined ? context.self() : { ...context.self(), fence: own };
    };
    return this.settled(
      this.network.transport('jm', { ...context, self }).listen({
        host: 'jm',
        ports: { ...anyPort, ports: [ADDRESS.port] },
        portsKey: 'jobmanager.rpc.port',
        accept: () => accepted({ serves: {}, handlers: {}, calls: {} }, () => {}),
      }),
    );
  }
}

test('tells of the JobManager when it comes, when it goes, and of the next one with its own lineage', async () => {
  const world = new World();
  const subscription = world.fixed.watch((leader) => void world.told.push(leader));
  await world.pass(1_000);
  expect(world.told).toEqual([undefined]);
  expect(world.log).toEqual([expect.stringContaining('Waiting for the JobManager at jm:1 (jobmanager.rpc.address')]);
  let fence: Fence | undefined;
  const first = await world.listening('jobmanager', 'first', () => fence);
  await world.until(() => world.log.length > 1, 'it is seen');
  expect(world.log.at(-1)).toContain('does not lead yet');
  fence = { lineage: 'one', epoch: 1 };
  await world.until(() => world.told.length > 1, 'it leads');
  expect(world.told.at(-1)).toMatchObject({ leadership: fence, endpoints: { rpcAddress: 'jm:1' }, isPublished: true });
  await world.settled(first.close());
  await world.until(() => world.told.length > 2, 'it is gone');
  expect(world.told.at(-1)).toBeUndefined();
  await world.listening('jobmanager', 'second', () => ({ lineage: 'two', epoch: 1 }));
  await world.until(() => world.told.length > 3, 'the next one leads');
  expect(world.told.at(-1)?.leadership).toMatchObject({ lineage: 'two', epoch: 1 });
  expect((await world.settled(world.fixed.read()))?.leadership.lineage).toBe('two');
  subscription.end();
});

test('takes no other process for a JobManager', async () => {
  const world = new World();
  await world.listening('taskmanager', 'other', () => ({ lineage: 'one', epoch: 1 }));
  expect(await world.settled(world.fixed.read())).toBeUndefined();
  expect(world.log).toEqual([expect.stringContaining('jm:1 is a taskmanager, not a JobManager')]);
});

test('says once why it is refused, though each try has a port of its own', async () => {
  const world = new World();
  let tries = 0;
  const context = contextOf(world.clock, 'jobmanager', 'other');
  await world.settled(
    world.network.transport('jm', context).listen({
      host: 'jm',
      ports: { ...anyPort, ports: [ADDRESS.port] },
      portsKey: 'jobmanager.rpc.port',
      accept: () => {
        throw new MillraceError('HELLO_REFUSED', `127.0.0.1:${40_000 + tries++} is a stranger`);
      },
    }),
  );
  const subscription = world.fixed.watch(() => {});
  await world.until(() => tries > 3, 'it has tried again and again');
  subscription.end();
  expect(world.log).toEqual([expect.stringContaining('is a stranger')]);
});
