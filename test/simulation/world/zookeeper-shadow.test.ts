import { beforeEach, expect, test } from 'vitest';
import type { MultiOperation } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { MemoryDisk } from '../../../src/foundation/filesystem/memory/memory-disk.ts';
import type { ModelClient } from '../zookeeper/model-client.ts';
import { ModelWorld } from '../zookeeper/model-world.ts';
import { ZOOKEEPER_ROOT as ROOT } from './zookeeper-of-world.ts';
import { ZooKeeperShadow } from './zookeeper-shadow.ts';

const JOB = 'a'.repeat(32);
const EPOCH = `${ROOT}/leader/epoch`;
const COUNTER = `${ROOT}/jobs/${JOB}/checkpoint_id_counter`;

let world: ModelWorld;
let shadow: ZooKeeperShadow;
let said: string[];
let one: ModelClient;
let other: ModelClient;
let latches: readonly string[];

const json = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const multi = (client: ModelClient, ...operations: readonly MultiOperation[]): Promise<unknown> =>
  world.settled(client.multi(operations));
const grant = (client: ModelClient, epoch: number, latch: string): Promise<unknown> =>
  multi(client, { kind: 'set', path: EPOCH, data: json({ epoch, latch: nameOf(latch) }) });
const checks = (latch: string, epochVersion: number): readonly MultiOperation[] => [
  { kind: 'check', path: latch, version: 0 },
  { kind: 'check', path: EPOCH, version: epochVersion },
];
const count = (last: number): MultiOperation => ({ kind: 'set', path: COUNTER, data: json({ last }) });

beforeEach(async () => {
  said = [];
  world = new ModelWorld(1, { accepted: (accepted) => shadow.accepted(accepted) });
  shadow = new ZooKeeperShadow(new MemoryDisk(() => 1), {
    unpointed: () => said.push('unpointed'),
    dangling: (path) => said.push(`dangling ${path}`),
    idsGoBack: (what) => said.push(what),
    differs: (what) => said.push(what),
  });
  [one, other] = [world.client(), world.client()];
  for (const path of ['/millrace', ROOT, `${ROOT}/leader`, `${ROOT}/leader/latch`, `${ROOT}/jobs`]) {
    await world.settled(one.create(path, new Uint8Array(0)));
  }
  await world.settled(one.create(EPOCH, json({ epoch: 0, latch: '' })));
  const latch = async (client: ModelClient, instanceId: string): Promise<string> => {
    const made = client.create(`${ROOT}/leader/latch/x-`, json({ instanceId }), { mode: 'ephemeral-sequential' });
    return (await world.settled(made)).path;
  };
  latches = [await latch(one, 'i1'), await latch(other, 'i2')];
  await grant(one, 1, latches[0]!);
  await multi(
    one,
    ...checks(latches[0]!, 1),
    { kind: 'create', path: `${ROOT}/jobs/${JOB}`, data: new Uint8Array(0) },
    { kind: 'create', path: COUNTER, data: json({ last: 1 }) },
  );
});

test('what the leader changes under its grant counts', async () => {
  await multi(one, ...checks(latches[0]!, 1), count(2));
  expect([said, shadow.leader, shadow.lastId(JOB)]).toEqual([[], { epoch: 1, instanceId: 'i1' }, 2]);
});

test('a change by another session, or under the grant of another, is told', async () => {
  await multi(other, ...checks(latches[0]!, 1), count(2));
  expect(said).toEqual([expect.stringContaining('it does not own the first place in the queue')]);
  world.ensemble.deleteNode(latches[0]!);
  await multi(other, ...checks(latches[1]!, 1), count(3));
  expect(said).toEqual([expect.anything(), expect.stringContaining('epoch 1 was granted to another')]);
  expect(shadow.leader).toBeUndefined();
});

test('a change that does not check its leadership is told, whoever makes it', async () => {
  await multi(one, checks(latches[0]!, 1)[0]!, count(2));
  await multi(one, checks(latches[0]!, 1)[1]!, count(3));
  expect(said).toEqual([1, 2].map(() => expect.stringContaining('it did not check its leadership')));
});

test('an epoch that does not grow, or is granted to one that is not first, is told', async () => {
  await grant(one, 1, latches[0]!);
  expect(said).toEqual(['epoch 1 is granted after 1']);
  await grant(other, 2, latches[1]!);
  expect(said).toEqual([expect.anything(), expect.stringContaining('which is not the first in the queue')]);
});

test('the end of the leader and the next grant may be one operation, the end of somebody else and a grant may not', async () => {
  const third = await world.settled(
    other.create(`${ROOT}/leader/latch/x-`, json({ instanceId: 'i3' }), { mode: 'ephemeral-sequential' }),
  );
  const take = (gone: string, epoch: number, latch: string): Promise<unknown> =>
    multi(
      other,
      { kind: 'delete', path: gone },
      { kind: 'set', path: EPOCH, data: json({ epoch, latch: nameOf(latch) }) },
    );
  await take(latches[0]!, 2, latches[1]!);
  expect([said, shadow.leader]).toEqual([[], { epoch: 2, instanceId: 'i2' }]);
  await grant(other, 3, latches[1]!);
  const fourth = await world.settled(
    other.create(`${ROOT}/leader/latch/x-`, json({ instanceId: 'i4' }), { mode: 'ephemeral-sequential' }),
  );
  await take(third.path, 4, fourth.path);
  expect(said).toEqual([expect.stringContaining('which is not the first in the queue')]);
});

test('checkpoint ids that go back, and pointers to files that are not there, are told', async () => {
  const folder = `${ROOT}/jobs/${JOB}/checkpoints`;
  const pointer = `${folder}/${'7'.padStart(19, '0')}`;
  await multi(one, ...checks(latches[0]!, 1), count(0));
  await multi(
    one,
    ...checks(latches[0]!, 1),
    { kind: 'create', path: folder, data: new Uint8Array(0) },
    { kind: 'create', path: pointer, data: json({ metadataPath: 'memory:///c/_metadata' }) },
  );
  await world.pass(1);
  expect(said).toEqual([expect.stringContaining('go back from 1 to 0'), 'dangling /c/_metadata']);
  expect([shadow.pointedTo(JOB), shadow.pointerInto('/c'), shadow.wasPointedTo(JOB, 7)]).toEqual([
    [7],
    '/c/_metadata',
    true,
  ]);
  await multi(one, ...checks(latches[0]!, 1), { kind: 'delete', path: pointer });
  expect([said.at(-1), shadow.pointedTo(JOB)]).toEqual(['unpointed', []]);
});
