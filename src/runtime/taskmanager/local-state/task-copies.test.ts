import { beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import { MemoryFileSystem } from '../../../foundation/filesystem/memory/memory-file-system.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import type { JobVertex } from '../../../pipeline/graph/job-graph.ts';
import { idOfDataFile } from '../../checkpoint/checkpoint-layout.ts';
import { createCheckpointTarget } from '../../checkpoint/checkpoint-target.ts';
import { createStateReader } from '../../checkpoint/state-reader.ts';
import { RestorePlan } from '../../jobmanager/scheduler/restore-plan.ts';
import type { TaskReport } from '../../protocol/task-commands.ts';
import { ScriptedSink, ScriptedSource } from '../test-support/scripted-connectors.ts';
import { ThreadHarness } from '../test-support/thread-harness.ts';
import { createLocalFirstReader } from './local-first-reader.ts';
import { LocalStateDisk } from './local-state-disk.ts';
import { SubtaskCopies, subtaskFolder } from './subtask-copies.ts';

const STORAGE = '/storage';
const JOB = 'a'.repeat(32);
const random = seededRandom(1);

let fs: MemoryFileSystem;
let source: ScriptedSource;
let harness: ThreadHarness;

beforeEach(() => {
  fs = new MemoryFileSystem({ random });
  source = new ScriptedSource();
  const disk = new LocalStateDisk({
    disk: fs.disk,
    folders: ['/local'],
    linkedScheme: 'memory',
    clock: new ManualClock(),
    logger: silentLogger,
  });
  harness = new ThreadHarness(
    (env) =>
      void env
        .from(source.source)
        .keyBy((value) => String(value))
        .count()
        .to(new ScriptedSink().sink),
    {
      checkpointing: true,
      copiesOf: (job, subtask) => new SubtaskCopies(disk, job, subtask, silentLogger),
      openTarget: (barrier, { tag, copies }) =>
        createCheckpointTarget(fs, {
          folder: STORAGE,
          checkpointId: barrier.checkpointId,
          kind: barrier.checkpoint,
          inlineThresholdBytes: 0,
          tag,
          random,
          copies,
        }),
      openReader: (_baseFolder, copies) =>
        createLocalFirstReader(
          { reader: createStateReader(fs, STORAGE), scheme: 'memory', folder: STORAGE },
          copies,
          true,
        ),
    },
  );
});

const counting = (): JobVertex => harness.execution.graph.vertices.find(({ name }) => name !== 'source')!;

/** The checkpoints that wrote the copies which the counting task has: in each one its counts, and the state of its sink. */
const copies = async (): Promise<number[]> => {
  const files = await fs.list(`/local/${JOB}/${subtaskFolder(counting().id, 0)}`);
  return [...new Set(files.map(({ name }) => idOfDataFile(name)!))].toSorted((a, b) => a - b);
};

const checkpoint = async (id: number): Promise<void> => {
  source.emit('a', `only ${id}`);
  await harness.settle();
  harness.trigger('source', id);
  await harness.settle();
};

const decide = async (kind: 'completed' | 'aborted', id: number): Promise<void> => {
  harness.decide(kind, id, 'source', counting().name);
  await harness.settle();
};

const logs = (): string[] => harness.reports.flatMap((report) => (report.kind === 'log' ? [report.message] : []));

/** As the JobManager makes it of what the tasks acknowledged. */
const planOf = (checkpointId: number): RestorePlan => {
  const acknowledged = harness.reports.flatMap((report) =>
    report.kind === 'task' && report.report.kind === 'acknowledge' && report.report.checkpointId === checkpointId
      ? [report.report satisfies TaskReport]
      : [],
  );
  const operators = harness.execution.graph.vertices.flatMap((vertex) =>
    vertex.operators.map((operator) => ({
      operatorId: operator.id,
      name: operator.name,
      kind: operator.kind,
      parallelism: 1,
      maxParallelism: vertex.maxParallelism,
      subtasks: [acknowledged.find(({ state }) => state[operator.id] !== undefined)?.state[operator.id]],
      finishedSubtasks: [],
    })),
  );
  const metadata = {
    jobId: JOB,
    jobName: 'test',
    checkpointId,
    kind: 'checkpoint' as const,
    triggeredMs: 0,
    completedMs: 0,
    generation: { epoch: 1, number: 1 },
    graphFingerprint: harness.execution.graph.fingerprint,
    operators,
  };
  const point = { metadata, baseFolder: STORAGE, metadataPath: `${STORAGE}/_metadata` };
  return new RestorePlan(harness.execution, point, { allowNonRestoredState: false });
};

test('copies follow the fate of their checkpoints, and outlive the attempt', async () => {
  harness.deploy();
  await checkpoint(1);
  expect(await copies()).toEqual([1]);
  await decide('completed', 1);
  await checkpoint(2);
  await decide('aborted', 2);
  expect(await copies()).toEqual([1]);
  await checkpoint(3);
  await decide('completed', 3);
  // The harness names no base: each snapshot is full, and the older one is subsumed.
  expect(await copies()).toEqual([3]);
  await checkpoint(4);
  // Whether 4 completes is not known here: the attempt ends, the copies stay.
  harness.command(counting().name, { kind: 'cancel' });
  harness.command('source', { kind: 'cancel' });
  await harness.settle();
  expect(await copies()).toEqual([3, 4]);
});

test('the next attempt restores from them, says so, and clears what is not of its checkpoint', async () => {
  harness.deploy();
  await checkpoint(1);
  await decide('completed', 1);
  await checkpoint(2);
  harness.command(counting().name, { kind: 'cancel' });
  harness.command('source', { kind: 'cancel' });
  await harness.settle();
  expect(await copies()).toEqual([1, 2]);
  await fs.deleteFolder(STORAGE);
  harness.deploy(planOf(1));
  await harness.settle();
  expect(harness.errors()).toEqual([]);
  expect(logs()).toEqual([
    expect.stringMatching(/^Starting to restore from state handle: .* \(chk-1\) for /),
    expect.stringMatching(
      /^Finished restoring from state handle: .* \(chk-1\) for .*: Restored from local copy: [1-9]\d* bytes, from storage: 0 bytes$/,
    ),
  ]);
  expect(await copies()).toEqual([1]);
});

test('a start without state leaves no copies of before', async () => {
  harness.deploy();
  await checkpoint(1);
  harness.command(counting().name, { kind: 'cancel' });
  harness.command('source', { kind: 'cancel' });
  await harness.settle();
  harness.deploy();
  await harness.settle();
  expect(await copies()).toEqual([]);
  expect(logs()).toEqual([]);
});
