import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { Leadership } from './leadership.ts';
import {
  graph,
  JOB,
  join,
  lead,
  OTHER,
  rejected,
  takeOver,
  checkpoint,
  type HaCase,
  type Joined,
} from './test-support/ha-cluster.ts';

/** Resigns until the other leads: its place in the queue gives it a head start of `SUSPICION_STEP_MS`, no more. */
const handOver = async (from: Joined, to: Joined): Promise<Leadership> => {
  const before = to.contender.grants.length;
  const isDone = (): boolean => to.contender.grants.length > before;
  while (!isDone()) {
    const own = from.contender.grants.length;
    await from.candidacy.resign();
    await from.contender.until(() => isDone() || from.contender.grants.length > own);
  }
  return to.contender.grant(before + 1);
};

export const leaderElectionContract: readonly HaCase[] = [
  {
    name: 'the only contender is granted, with the lineage of the store and an epoch above 0',
    run: async (cluster) => {
      const { services, leadership, candidacy } = await lead(cluster);
      strictEqual(leadership.lineage, services.lineage);
      ok(leadership.epoch > 0);
      ok(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(leadership.sessionId), leadership.sessionId);
      deepStrictEqual(candidacy.leadership, leadership);
      strictEqual(candidacy.isCertain, true);
      strictEqual(candidacy.queuePosition, undefined);
      deepStrictEqual(services.health, { state: 'answers' });
    },
  },
  {
    name: 'a leader is retrieved only once it has published',
    run: async (cluster) => {
      const { services, candidacy, contender, leadership } = await lead(cluster);
      strictEqual(await services.retrieval.read(), undefined);
      const seen: (number | undefined)[] = [];
      const watch = services.retrieval.watch((leader) => seen.push(leader?.leadership.epoch));
      await candidacy.publish(leadership);
      const leader = await services.retrieval.read();
      deepStrictEqual(leader, {
        leadership,
        endpoints: contender.endpoints,
        isPublished: true,
        falseAlarms: 0,
      });
      deepStrictEqual(services.retrieval.current, leader);
      deepStrictEqual(seen, [undefined, leadership.epoch]);
      watch.end();
      await candidacy.leave();
      strictEqual(await services.retrieval.read(), undefined);
      deepStrictEqual(seen, [undefined, leadership.epoch]);
    },
  },
  {
    name: 'who leaves leads no longer and writes no more',
    run: async (cluster) => {
      const { candidacy, contender, leadership, stores } = await lead(cluster);
      await candidacy.leave();
      const { kind, leadership: ended } = await contender.event('revoked');
      deepStrictEqual([kind, ended], ['revoked', leadership]);
      strictEqual(candidacy.leadership, undefined);
      await rejected(stores.checkpointIds(JOB).next(), 'LEADERSHIP_LOST');
    },
  },
  {
    name: 'a raised epoch is a new grant above what was asked for, and fences the old one',
    run: async (cluster) => {
      const { candidacy, contender, leadership, stores, services } = await lead(cluster);
      await candidacy.raise(leadership, leadership.epoch + 41);
      const raised = await contender.grant(2);
      ok(raised.epoch > leadership.epoch + 41);
      deepStrictEqual(
        contender.events.map(({ kind }) => kind),
        ['granted', 'revoked', 'granted'],
      );
      await rejected(stores.checkpointIds(JOB).next(), 'LEADERSHIP_LOST');
      strictEqual(await services.leading(raised).checkpointIds(JOB).next(), 1);
      await rejected(candidacy.publish(leadership), 'LEADERSHIP_LOST');
      await rejected(candidacy.raise(leadership, 1000), 'LEADERSHIP_LOST');
    },
  },
  {
    name: 'a leader that resigns is granted again when nobody else is there, with a higher epoch (I5)',
    run: async (cluster) => {
      const { candidacy, contender, leadership } = await lead(cluster);
      await candidacy.resign();
      const again = await contender.grant(2);
      ok(again.epoch > leadership.epoch);
    },
  },
  {
    name: 'the second contender waits, sees whom to watch, and is granted when the first leaves',
    needsSeveral: true,
    run: async (cluster) => {
      const first = await lead(cluster);
      const second = await join(cluster, 'two');
      await second.contender.until(() => second.contender.leader !== undefined);
      deepStrictEqual(second.contender.leader?.endpoints, first.contender.endpoints);
      strictEqual(second.candidacy.queuePosition, 0);
      deepStrictEqual(second.contender.events, []);
      await first.candidacy.leave();
      const leadership = await second.contender.grant();
      ok(leadership.epoch > first.leadership.epoch);
      strictEqual(leadership.lineage, first.leadership.lineage);
    },
  },
  {
    name: 'a leader that resigns makes room for the next and queues again',
    needsSeveral: true,
    run: async (cluster) => {
      const first = await lead(cluster);
      const second = await join(cluster, 'two');
      const next = await handOver(first, second);
      const revoked = await first.contender.event('revoked');
      strictEqual(revoked.kind === 'revoked' && revoked.reason, 'resigned');
      // Who leaves does not stand in the way of who has queued again, however slow that one is.
      const grants = first.contender.grants.length;
      await second.candidacy.leave();
      ok((await first.contender.grant(grants + 1)).epoch > next.epoch);
    },
  },
  {
    name: 'a suspicion ends the claim: the next is granted at once, what the other still writes is refused (I1)',
    needsSeveral: true,
    run: async (cluster) => {
      const first = await lead(cluster);
      await first.stores.jobGraphs.add(graph(JOB));
      const second = await takeOver(cluster, first);
      ok(second.leadership.epoch > first.leadership.epoch);
      await rejected(first.stores.checkpointIds(JOB).next(), 'LEADERSHIP_LOST');
      await rejected(first.stores.jobGraphs.add(graph(OTHER)), 'LEADERSHIP_LOST');
      await rejected(first.stores.jobRecord(JOB).markLoading(), 'LEADERSHIP_LOST');
      const written = await first.stores.checkpoints(JOB).add(checkpoint(1));
      strictEqual(written.outcome === 'not-written' && written.error.code, 'LEADERSHIP_LOST');
      await rejected(first.candidacy.publish(first.leadership), 'LEADERSHIP_LOST');
      deepStrictEqual(await second.stores.checkpoints(JOB).all(), []);
      deepStrictEqual(await second.stores.jobGraphs.get(JOB), graph(JOB));
    },
  },
  {
    name: 'a suspicion that hit a living leader is a false alarm: counted, and the fast way is closed for a while',
    needsSeveral: true,
    run: async (cluster) => {
      const first = await lead(cluster);
      const second = await takeOver(cluster, first);
      const revoked = await first.contender.event('revoked');
      strictEqual(revoked.kind === 'revoked' && revoked.reason, 'suspected');
      await first.contender.until(() => first.candidacy.queuePosition === 0);
      await second.candidacy.publish(second.leadership);
      strictEqual((await first.services.retrieval.read())?.falseAlarms, 1);
      const outcome = await first.candidacy.suspect(second.leadership);
      ok(outcome.outcome === 'backing-off' && outcome.remainingMs > 0, JSON.stringify(outcome));
      strictEqual(await second.stores.checkpointIds(JOB).next(), 1);
    },
  },
  {
    name: 'a claim that is over already cannot be suspected again',
    needsSeveral: true,
    run: async (cluster) => {
      const first = await lead(cluster);
      const second = await takeOver(cluster, first);
      // After it: who is granted when a claim ends is up to the queue.
      const third = await join(cluster, 'three');
      deepStrictEqual(await third.candidacy.suspect(first.leadership), { outcome: 'ended' });
      strictEqual(await second.stores.checkpointIds(JOB).next(), 1);
    },
  },
];
