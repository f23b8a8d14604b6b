import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { codeOf } from '../foundation/common/errors.ts';
import { checkpointId } from '../foundation/common/ids.ts';
import {
  checkpoint,
  graph,
  JOB,
  lead,
  OTHER,
  rejected,
  result,
  takeOver,
  type HaCase,
} from './test-support/ha-cluster.ts';

/** How often a reader looks at most for what was written, where reads may lag. */
const LOOKS = 1_000;

export const leaderStoresContract: readonly HaCase[] = [
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
      // What got lost on its way is written after all (R5).
      deepStrictEqual(await store.settle(checkpoint(101)), { outcome: 'written' });
      await store.remove(checkpointId(101));
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
    name: 'a leader that is deposed cannot tell how an undecided pointer write ended (R2)',
    needsSeveral: true,
    run: async (cluster) => {
      const first = await lead(cluster);
      await first.stores.checkpoints(JOB).add(checkpoint(1));
      const second = await takeOver(cluster, first);
      strictEqual((await first.stores.checkpoints(JOB).settle(checkpoint(1))).outcome, 'undecided');
      strictEqual((await first.stores.checkpoints(JOB).settle(checkpoint(2))).outcome, 'undecided');
      // The successor has retired it: that it is gone does not mean that it never was there.
      await second.stores.checkpoints(JOB).remove(checkpointId(1));
      strictEqual((await first.stores.checkpoints(JOB).settle(checkpoint(1))).outcome, 'undecided');
      strictEqual((await first.stores.checkpoints(JOB).add(checkpoint(2))).outcome, 'not-written');
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
        taskManagers: [{ instanceId: 'tm-1', rpcAddress: 'a:1' }, { instanceId: 'tm-2' }],
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
      // Another region, which waited for slots.
      await record.recordGeneration(started(2, ['w/0'], 4));
      deepStrictEqual((await record.read()).generations, [started(2, ['w/0'], 4), started(3, ['v/1', 'v/0'], 5)]);
      await rejects(
        record.recordIntent({ kind: 'stop', requestId: 'q', savepointDirectory: '/q', drain: false }),
        /the job is being stopped already/,
      );
      await record.settleIntent('another');
      strictEqual((await record.read()).intent.kind, 'stop');
      await record.settleIntent('r');
      deepStrictEqual((await record.read()).intent, { kind: 'run' });
      const files = { graphPath: '/g2', replacedPath: '/g1' };
      const rescale = { kind: 'rescale', requestId: 's', graphVersion: 2, ...files } as const;
      await record.recordIntent(rescale);
      await record.recordGraphVersion(2);
      await record.recordGeneration({ ...started(4, ['v/0'], 6), graphVersion: 2 });
      const rescaled = await record.read();
      deepStrictEqual(rescaled.intent, rescale);
      const cancel = { kind: 'cancel', requestId: 'c' } as const;
      await record.recordIntent(cancel);
      await rejects(record.recordIntent(rescale), /the job is being cancelled already/);
      deepStrictEqual((await record.read()).intent, cancel);
      deepStrictEqual(
        [rescaled.graphVersion, rescaled.generations.map(({ generation }) => generation.number)],
        [2, [4]],
      );
    },
  },
  {
    name: 'the first result of a job counts, an ended job is never added again (I12)',
    run: async (cluster) => {
      const { stores: mine, services } = await lead(cluster);
      await mine.jobGraphs.add(graph(JOB));
      const [record, ids] = [mine.jobRecord(JOB), mine.checkpointIds(JOB)];
      await record.markLoading();
      await ids.next();
      await mine.checkpoints(JOB).add(checkpoint(1));
      await mine.checkpoints(OTHER).add(checkpoint(1, 'w', OTHER));
      const dirty = { ...result(JOB), isDirty: true };
      deepStrictEqual(await mine.jobResults.createDirty(result(JOB)), dirty);
      deepStrictEqual(await mine.jobResults.createDirty(result(JOB, 'FAILED')), dirty);
      await mine.removeJob(JOB);
      await mine.removeJob(JOB);
      // What was on its way when it ended brings nothing back.
      await record.recordIntent({ kind: 'cancel', requestId: 'late' });
      await rejects(ids.next(), /has ended/);
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
    name: 'changes are heard of, and read, in other processes too',
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
        let seen = (await standby.reader.checkpoints(JOB)).length;
        for (let looks = 1; seen === id - 1 && cluster.readsMayLag === true && looks < LOOKS; looks++) {
          seen = (await standby.reader.checkpoints(JOB)).length;
        }
        strictEqual(seen, id);
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
