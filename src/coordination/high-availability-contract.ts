import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { codeOf, type ErrorCode } from '../foundation/common/errors.ts';
import { checkpointId, type JobId } from '../foundation/common/ids.ts';
import type { CheckpointPointer } from './completed-checkpoint-store.ts';
import type { HighAvailabilityServices, LeaderStores } from './high-availability-services.ts';
import type { JobGraphPointer } from './job-graph-store.ts';
import type { JobResultPointer } from './job-result-store.ts';
import type { Candidacy } from './leader-election.ts';
import type { Leadership } from './leadership.ts';
import { RecordingContender } from './test-support/recording-contender.ts';

/** One cluster whose processes a case opens; leases are so long that none ends during a case. */
export interface HaCluster {
  open(): Promise<HighAvailabilityServices>;
}

/** One thing that every implementation does the same way. */
export interface HaCase {
  readonly name: string;
  /** More than one process of a cluster. */
  readonly needsSeveral?: true;
  run(cluster: HaCluster): Promise<void>;
}

interface Leader {
  readonly services: HighAvailabilityServices;
  readonly contender: RecordingContender;
  readonly candidacy: Candidacy;
  readonly leadership: Leadership;
  readonly stores: LeaderStores;
}

const join = async (
  cluster: HaCluster,
  name: string,
): Promise<{ services: HighAvailabilityServices; contender: RecordingContender; candidacy: Candidacy }> => {
  const services = await cluster.open();
  const contender = new RecordingContender(name);
  return { services, contender, candidacy: await services.election.join(contender) };
};

const lead = async (cluster: HaCluster, name = 'one'): Promise<Leader> => {
  const joined = await join(cluster, name);
  const leadership = await joined.contender.grant();
  return { ...joined, leadership, stores: joined.services.leading(leadership) };
};

/** A second process, after it has ended the claim of the first. */
const takeOver = async (cluster: HaCluster, from: Leader, name = 'two'): Promise<Leader> => {
  const joined = await join(cluster, name);
  deepStrictEqual(await joined.candidacy.suspect(from.leadership), { outcome: 'ended' });
  const leadership = await joined.contender.grant();
  return { ...joined, leadership, stores: joined.services.leading(leadership) };
};

const rejected = (promise: Promise<unknown>, code: ErrorCode): Promise<void> =>
  rejects(promise, (error: unknown) => {
    strictEqual(codeOf(error), code, String(error));
    return true;
  });

const JOB = 'a'.repeat(32) as JobId;
const OTHER = 'b'.repeat(32) as JobId;

const checkpoint = (id: number, writeId = `w${id}`, jobId = JOB): CheckpointPointer => ({
  jobId,
  checkpointId: checkpointId(id),
  kind: 'checkpoint',
  metadataPath: `/c/${jobId}/chk-${id}/_metadata`,
  baseFolder: `/c/${jobId}`,
  writeId,
});

const graph = (jobId: JobId, writeId = 'w', graphVersion = 1): JobGraphPointer => ({
  jobId,
  jobName: 'clicks',
  submittedMs: 5,
  graphVersion,
  graphPath: `/s/${jobId}/submittedExecutionPlan-${writeId}`,
  bundlePaths: [`/s/${jobId}/blob_x`],
  writeId,
});

const result = (jobId: JobId, status: JobResultPointer['status'] = 'FINISHED'): Omit<JobResultPointer, 'isDirty'> => ({
  jobId,
  jobName: 'clicks',
  status,
  endedMs: 9,
  resultPath: `/s/results/${jobId}`,
});

const election: readonly HaCase[] = [
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
      await first.candidacy.resign();
      const next = await second.contender.grant();
      const revoked = await first.contender.event('revoked');
      strictEqual(revoked.kind === 'revoked' && revoked.reason, 'resigned');
      await second.candidacy.resign();
      ok((await first.contender.grant(2)).epoch > next.epoch);
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
      const third = await join(cluster, 'three');
      const second = await takeOver(cluster, first);
      deepStrictEqual(await third.candidacy.suspect(first.leadership), { outcome: 'ended' });
      strictEqual(await second.stores.checkpointIds(JOB).next(), 1);
    },
  },
];

const stores: readonly HaCase[] = [
  {
    name: 'a job is added once: the same submission again is the same job',
    run: async (cluster) => {
      const { stores: mine, services } = await lead(cluster);
      deepStrictEqual(await mine.jobGraphs.add(graph(JOB, 'first')), { outcome: 'added' });
      deepStrictEqual(await mine.jobGraphs.add(graph(JOB, 'first')), { outcome: 'added' });
      deepStrictEqual(await mine.jobGraphs.add(graph(JOB, 'second')), {
        outcome: 'exists',
        pointer: graph(JOB, 'first'),
      });
      await mine.jobGraphs.add(graph(OTHER));
      deepStrictEqual(
        (await mine.jobGraphs.all()).map((entry) => entry.kind === 'read' && entry.value),
        [graph(JOB, 'first'), graph(OTHER)],
      );
      deepStrictEqual(
        (await services.reader.jobs()).map(({ jobId }) => jobId),
        [JOB, OTHER],
      );
    },
  },
  {
    name: 'a graph is replaced by its next version, with another version of the record',
    run: async (cluster) => {
      const { stores: mine, services } = await lead(cluster);
      await rejected(mine.jobGraphs.replace(graph(JOB)), 'JOB_ENDED');
      await mine.jobGraphs.add(graph(JOB));
      const [before] = await services.reader.jobs();
      const [same] = await services.reader.jobs();
      await mine.jobGraphs.replace(graph(JOB, 'w2', 2));
      const [after] = await services.reader.jobs();
      deepStrictEqual(before, same);
      ok(before?.kind === 'read' && after?.kind === 'read' && before.version !== after.version);
      deepStrictEqual(after.value, graph(JOB, 'w2', 2));
    },
  },
  {
    name: 'checkpoint ids go up and are never given out twice, across leaders too (I5, R10)',
    needsSeveral: true,
    run: async (cluster) => {
      const first = await lead(cluster);
      const ids = first.stores.checkpointIds(JOB);
      strictEqual(await ids.current(), 0);
      deepStrictEqual(await Promise.all([ids.next(), ids.next(), ids.next()]), [1, 2, 3]);
      await ids.raise(10);
      await ids.raise(7);
      strictEqual(await first.stores.checkpointIds(JOB).next(), 11);
      strictEqual(await first.stores.checkpointIds(OTHER).next(), 1);
      const second = await takeOver(cluster, first);
      strictEqual(await second.stores.checkpointIds(JOB).current(), 11);
      strictEqual(await second.stores.checkpointIds(JOB).next(), 12);
      strictEqual(await second.services.reader.checkpointFloor(JOB), 12);
    },
  },
  {
    name: 'pointers to checkpoints are kept in order, each id once, and tell their write again (R2)',
    run: async (cluster) => {
      const { stores: mine, services } = await lead(cluster);
      const store = mine.checkpoints(JOB);
      const [eight, nine, hundred] = [checkpoint(8), checkpoint(9), checkpoint(100)];
      for (const pointer of [eight, nine, hundred]) {
        deepStrictEqual(await store.add(pointer), { outcome: 'written' });
      }
      deepStrictEqual(await store.all(), [eight, nine, hundred]);
      deepStrictEqual(await store.add(nine), { outcome: 'written' });
      deepStrictEqual(await store.settle(nine), { outcome: 'written' });
      strictEqual((await store.add(checkpoint(9, 'another'))).outcome, 'not-written');
      strictEqual((await store.settle(checkpoint(9, 'another'))).outcome, 'not-written');
      strictEqual((await store.settle(checkpoint(101))).outcome, 'not-written');
      await store.remove(checkpointId(8));
      await store.remove(checkpointId(8));
      deepStrictEqual(
        (await services.reader.checkpoints(JOB)).map(({ value }) => value),
        [nine, hundred],
      );
      deepStrictEqual(await mine.checkpoints(OTHER).all(), []);
    },
  },
  {
    name: "a job's record keeps the intent, the generations that still count, counts and marks",
    run: async (cluster) => {
      const { stores: mine, services, leadership } = await lead(cluster);
      const { epoch } = leadership;
      const record = mine.jobRecord(JOB);
      strictEqual(await services.reader.jobRecord(JOB), undefined);
      deepStrictEqual((await record.read()).intent, { kind: 'run' });
      strictEqual(await record.markLoading(), 1);
      strictEqual(await record.markLoading(), 2);
      const started = (number: number, subtasks: readonly string[], restored?: number) => ({
        generation: { epoch, number },
        graphVersion: 1,
        restored: restored === undefined ? undefined : checkpointId(restored),
        subtasks,
      });
      await record.recordGeneration(started(1, ['v/0', 'v/1', 'w/0']), { restarts: 0 });
      await record.recordGeneration(started(2, ['v/0', 'v/1'], 4), { restarts: 1, failuresMs: [7, 8] });
      await record.recordGeneration(started(3, ['v/1', 'v/0'], 5));
      await record.recordIntent({ kind: 'stop', requestId: 'r', savepointDirectory: '/s', drain: true });
      await record.clearLoading();
      deepStrictEqual((await services.reader.jobRecord(JOB))?.value, {
        intent: { kind: 'stop', requestId: 'r', savepointDirectory: '/s', drain: true },
        graphVersion: 1,
        generations: [started(1, ['v/0', 'v/1', 'w/0']), started(3, ['v/1', 'v/0'], 5)],
        restartCounts: { restarts: 1, failuresMs: [7, 8] },
        loadingMarks: 0,
      });
      await rejects(record.recordGeneration(started(2, ['v/0'])), /I5/);
    },
  },
  {
    name: 'the first result of a job counts, an ended job is never added again (I12)',
    run: async (cluster) => {
      const { stores: mine, services } = await lead(cluster);
      await mine.jobGraphs.add(graph(JOB));
      const dirty = { ...result(JOB), isDirty: true };
      deepStrictEqual(await mine.jobResults.createDirty(result(JOB)), dirty);
      deepStrictEqual(await mine.jobResults.createDirty(result(JOB, 'FAILED')), dirty);
      await mine.jobRecord(JOB).markLoading();
      await mine.checkpointIds(JOB).next();
      await mine.checkpoints(JOB).add(checkpoint(1));
      await mine.checkpoints(OTHER).add(checkpoint(1, 'w', OTHER));
      await mine.removeJob(JOB);
      await mine.removeJob(JOB);
      deepStrictEqual(await services.reader.jobs(), []);
      deepStrictEqual(await mine.checkpoints(JOB).all(), []);
      strictEqual((await mine.checkpoints(OTHER).all()).length, 1);
      strictEqual(await services.reader.jobRecord(JOB), undefined);
      strictEqual(await services.reader.checkpointFloor(JOB), 0);
      deepStrictEqual(await mine.jobGraphs.add(graph(JOB)), { outcome: 'ended' });
      await rejects(mine.jobResults.remove(JOB), /not removed yet/);
      await mine.jobResults.markClean(JOB);
      deepStrictEqual(await mine.jobResults.get(JOB), { ...dirty, isDirty: false });
      deepStrictEqual(
        (await services.reader.results()).map(({ jobId }) => jobId),
        [JOB],
      );
      await mine.jobResults.remove(JOB);
      await mine.jobResults.remove(JOB);
      strictEqual(await mine.jobResults.get(JOB), undefined);
    },
  },
  {
    name: 'a lock is held once in a leadership, and tokens go up',
    run: async (cluster) => {
      const { stores: mine, services } = await lead(cluster);
      const lock = mine.lock('cleanup');
      const held = await lock.acquire();
      ok(held !== undefined);
      strictEqual(await lock.acquire(), undefined);
      strictEqual(await services.leading(mine.leadership).lock('cleanup').acquire(), undefined);
      ok((await mine.lock('another').acquire()) !== undefined);
      await held.release();
      const again = await lock.acquire();
      ok(again !== undefined && again.token > held.token);
      await held.release();
      strictEqual(await lock.acquire(), undefined);
    },
  },
  {
    name: 'a lock ends with the leadership of its holder',
    needsSeveral: true,
    run: async (cluster) => {
      const first = await lead(cluster);
      const held = await first.stores.lock('cleanup').acquire();
      const second = await takeOver(cluster, first);
      const next = await second.stores.lock('cleanup').acquire();
      ok(held !== undefined && next !== undefined && next.token > held.token);
      strictEqual(await first.stores.lock('cleanup').acquire().catch(codeOf), 'LEADERSHIP_LOST');
      await held.release();
      strictEqual(await second.stores.lock('cleanup').acquire(), undefined);
    },
  },
  {
    name: 'changes are heard of, in other processes too, and reads are never stale (R14)',
    needsSeveral: true,
    run: async (cluster) => {
      const first = await lead(cluster);
      const standby = await cluster.open();
      let changes = 0;
      const heard = new Promise<void>((resolve) => {
        standby.reader.watch(() => {
          changes++;
          resolve();
        });
      });
      for (let id = 1; id <= 20; id++) {
        await first.stores.checkpoints(JOB).add(checkpoint(id));
        strictEqual((await standby.reader.checkpoints(JOB)).length, id);
      }
      await heard;
      ok(changes > 0);
    },
  },
  {
    name: 'what was written is there after all processes have closed',
    needsSeveral: true,
    run: async (cluster) => {
      const first = await lead(cluster);
      await first.stores.jobGraphs.add(graph(JOB));
      await first.stores.checkpoints(JOB).add(checkpoint(1));
      await first.services.close();
      await first.services.close();
      const second = await lead(cluster, 'two');
      ok(second.leadership.epoch > first.leadership.epoch);
      strictEqual(second.leadership.lineage, first.leadership.lineage);
      deepStrictEqual(await second.stores.jobGraphs.get(JOB), graph(JOB));
      deepStrictEqual(await second.stores.checkpoints(JOB).all(), [checkpoint(1)]);
    },
  },
  {
    name: 'a cleaned up store is a new one, of another lineage',
    run: async (cluster) => {
      const first = await lead(cluster);
      await first.stores.jobGraphs.add(graph(JOB));
      await first.services.cleanupAllData();
      const second = await lead(cluster, 'two');
      ok(second.leadership.lineage !== first.leadership.lineage);
      deepStrictEqual(await second.stores.jobGraphs.all(), []);
    },
  },
];

export const highAvailabilityContract: readonly HaCase[] = [...election, ...stores];
