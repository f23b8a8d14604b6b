import { expect, test } from 'vitest';
import type { ClusterOverviewBody } from '../../rest/schema/cluster-schema.ts';
import { clusterSlots } from './cluster-slots.ts';
import type { RestClient } from './rest-client.ts';

const overview = (available: number, afterLoss: number): ClusterOverviewBody =>
  ({
    'slots-available': available,
    'slots-total': 6,
    'slots-available-after-largest-loss': afterLoss,
  }) as ClusterOverviewBody;

/** `waits`: what each job waits for. */
const clientOf = (waits: Readonly<Record<string, string>>): Pick<RestClient, 'ask'> => ({
  ask: async () =>
    ({
      jobs: Object.entries(waits).map(([jid, waiting]) => ({ jid, name: `job-${jid}`, state: 'RUNNING', waiting })),
    }) as never,
});

test('slots that stay free, and those that are too few', async () => {
  expect(await clusterSlots(overview(4, 2), clientOf({}))).toEqual([
    'slots free: 4 of 6',
    'slots free after the loss of the largest TaskManager: 2',
  ]);
  expect((await clusterSlots(overview(1, -1), clientOf({}))).at(1)).toBe(
    'slots free after the loss of the largest TaskManager: -1 (1 too few for what runs)',
  );
});

test('jobs that wait are named with what they wait for', async () => {
  const client = clientOf({ a: 'it needs 3 slots', b: '' });
  expect((await clusterSlots(overview(1, -1), client)).slice(2)).toEqual(['job job-a (a) waits: it needs 3 slots']);
});

test('of very many jobs not all are listed', async () => {
  const client = clientOf(Object.fromEntries(Array.from({ length: 23 }, (_, i) => [`j${i}`, 'a slot'])));
  const lines = await clusterSlots(overview(0, -2), client);
  expect(lines).toHaveLength(2 + 20 + 1);
  expect(lines.at(-1)).toBe('3 more jobs wait; millrace list has them all');
});
