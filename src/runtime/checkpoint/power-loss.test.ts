import { deepStrictEqual, ok } from 'node:assert/strict';
import { expect, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import { seededRandom } from '../../foundation/common/random.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { Location } from '../../foundation/filesystem/file-systems.ts';
import { MemoryDisk } from '../../foundation/filesystem/memory/memory-disk.ts';
import { MemoryFileSystem } from '../../foundation/filesystem/memory/memory-file-system.ts';
import type { DiskCall } from '../../foundation/filesystem/memory/tapped-disk.ts';
import type { KeyedSegment, OperatorSubtaskState } from '../state/state-handle.ts';
import { CheckpointCleaner } from './checkpoint-cleaner.ts';
import { createCheckpointTarget } from './checkpoint-target.ts';
import type { CheckpointMetadata } from './metadata.ts';
import { listCheckpoints, readCheckpoint } from './read-checkpoint.ts';
import { filesOf } from './referenced-files.ts';
import type { RetainedCheckpoint } from './retention.ts';
import { createStateReader } from './state-reader.ts';
import { writeMetadata } from './write-metadata.ts';

/*
 * A coordinator and two tasks take checkpoints on a disk that loses power after any of its calls, come back, and go on.
 * Whatever survives with `_metadata` must be whole and right; what was reported complete must have survived.
 */
const JOB_FOLDER = '/state/checkpoints/0123456789abcdef0123456789abcdef';
const TASKS = 2;

/** A disk that does not do what it says. */
type Lie = (call: DiskCall) => boolean;

class Machine {
  readonly disk = new MemoryDisk(() => 1);
  readonly random: Random;
  readonly #lie: Lie;
  /** What each checkpoint was given to keep, by subtask. */
  readonly expected = new Map<number, readonly string[][]>();
  readonly stored = new Map<number, CheckpointMetadata>();
  lastId = 0;
  /** The newest one that was reported complete. */
  newest = 0;
  calls = 0;

  constructor(random: Random, lie: Lie) {
    this.random = random;
    this.#lie = lie;
  }

  /** The life of one process until the power fails at its `crashAt`-th call, if it comes to that. */
  async live(checkpoints: number, crashAt: number): Promise<void> {
    let left = crashAt;
    const fs = new MemoryFileSystem({
      disk: this.disk,
      random: this.random,
      tap: (call) => {
        this.calls++;
        if (--left <= 0) {
          throw Object.assign(new Error('no power'), { code: 'EIO' });
        }
        return this.#lie(call) ? 'skip' : undefined;
      },
    });
    try {
      await this.#run(fs, checkpoints);
    } catch (error) {
      if (left > 0) {
        throw error;
      }
    }
    this.disk.crash(this.random);
  }

  /** Reads back what is there, as a new process does, and compares. */
  async check(): Promise<void> {
    const fs = new MemoryFileSystem({ disk: this.disk });
    const locate = (uri: string): Location => ({ fs, path: uri.replace('memory://', '') });
    const complete = (await listCheckpoints(fs, JOB_FOLDER)).filter((checkpoint) => checkpoint.complete);
    ok((complete.at(-1)?.checkpointId ?? 0) >= this.newest, `checkpoint ${this.newest} was complete and is gone`);
    for (const { checkpointId } of complete) {
      const { metadata } = await readCheckpoint(`${JOB_FOLDER}/chk-${checkpointId}`, { locate });
      const reader = createStateReader(fs, JOB_FOLDER);
      const states = metadata.operators[0]!.subtasks.map(async (state) => {
        const handles = state!.keyed[0]!.segments.map((segment) => segment.handle);
        const pieces = [...handles, state!.operatorState!].map(async (handle) =>
          new TextDecoder().decode(await reader.read(handle)),
        );
        return Promise.all(pieces);
      });
      deepStrictEqual(await Promise.all(states), this.expected.get(checkpointId));
      this.newest = Math.max(this.newest, checkpointId);
    }
  }

  async #run(fs: MemoryFileSystem, checkpoints: number): Promise<void> {
    const cleaner = new CheckpointCleaner(fs, JOB_FOLDER, silentLogger);
    let retained: RetainedCheckpoint[] = [];
    let base: CheckpointMetadata | undefined;
    for (const { checkpointId, complete } of await listCheckpoints(fs, JOB_FOLDER)) {
      const metadata = this.stored.get(checkpointId);
      if (complete && metadata !== undefined) {
        retained.push(retainedOf(metadata));
        base = metadata;
      }
    }
    await cleaner.collect(retained);
    for (let round = 0; round < checkpoints; round++) {
      const metadata = await this.#takeCheckpoint(fs, base);
      if (metadata === undefined) {
        continue;
      }
      base = metadata;
      retained.push(retainedOf(metadata));
      const retired = await cleaner.retire({
        completed: retained,
        numRetained: 1 + this.random.int(2),
        held: new Set(this.random.int(3) === 0 ? [metadata.checkpointId - 1] : []),
      });
      retained = retained.filter(({ checkpointId }) => !retired.includes(checkpointId));
    }
  }

  async #takeCheckpoint(
    fs: MemoryFileSystem,
    base: CheckpointMetadata | undefined,
  ): Promise<CheckpointMetadata | undefined> {
    const checkpointId = ++this.lastId;
    const old = this.random.int(3) === 0 ? undefined : base;
    const states = await Promise.all(
      Array.from({ length: TASKS }, (_, subtask) => this.#snapshot(fs, checkpointId, subtask, old)),
    );
    this.expected.set(
      checkpointId,
      states.map(({ contents }) => contents),
    );
    if (this.random.int(6) === 0) {
      const abandoned = states.map(({ state }) => state);
      await new CheckpointCleaner(fs, JOB_FOLDER, silentLogger).discardAborted(checkpointId, abandoned);
      return undefined;
    }
    const metadata = metadataOf(
      checkpointId,
      states.map(({ state }) => state),
    );
    this.stored.set(checkpointId, metadata);
    await writeMetadata(fs, JOB_FOLDER, metadata);
    this.newest = checkpointId;
    return metadata;
  }

  async #snapshot(
    fs: MemoryFileSystem,
    checkpointId: number,
    subtask: number,
    base: CheckpointMetadata | undefined,
  ): Promise<{ readonly state: OperatorSubtaskState; readonly contents: string[] }> {
    const target = createCheckpointTarget(fs, {
      folder: JOB_FOLDER,
      checkpointId,
      kind: 'checkpoint',
      inlineThresholdBytes: 24,
      tag: `task_${subtask}`,
      random: this.random,
    });
    const change = `change ${checkpointId} of ${subtask} ${'.'.repeat(this.random.int(60))}`;
    const own = `own ${checkpointId} of ${subtask} ${'.'.repeat(this.random.int(60))}`;
    const oldSegments = base?.operators[0]!.subtasks[subtask]!.keyed[0]!.segments ?? [];
    const oldContents = base === undefined ? [] : this.expected.get(base.checkpointId)![subtask]!.slice(0, -1);
    const [handle, operatorState] = await Promise.all([
      target.writeState('shared', [Buffer.from(change)]),
      target.writeState('exclusive', [Buffer.from(own)]),
    ]);
    const segments: KeyedSegment[] = [...oldSegments, { handle, full: oldSegments.length === 0, checkpointId }];
    return {
      state: { keyed: [{ keyGroupStart: 0, keyGroupEnd: 7, backendId: 'b', segments }], operatorState },
      contents: [...oldContents, change, own],
    };
  }
}

const retainedOf = (metadata: CheckpointMetadata): RetainedCheckpoint => ({
  checkpointId: metadata.checkpointId,
  files: [...filesOf(metadata).keys()],
});

const metadataOf = (checkpointId: number, subtasks: readonly OperatorSubtaskState[]): CheckpointMetadata => ({
  jobId: '0123456789abcdef0123456789abcdef',
  jobName: 'power loss',
  checkpointId,
  kind: 'checkpoint',
  triggeredMs: 1,
  completedMs: 2,
  generation: { epoch: 0, number: 1 },
  graphFingerprint: 'f',
  operators: [
    { operatorId: 'op', name: 'op', kind: 'op', parallelism: TASKS, maxParallelism: 8, subtasks, finishedSubtasks: [] },
  ],
});

const honest: Lie = () => false;

/** Three lives with two losses of power at random calls, then a last one that ends well. */
const runSeed = async (seed: number, lie: Lie): Promise<Machine> => {
  const rehearsal = new Machine(seededRandom(seed), honest);
  await rehearsal.live(5, Infinity);
  const random = seededRandom(seed);
  const machine = new Machine(random, lie);
  for (let life = 0; life < 3; life++) {
    await machine.live(5, 1 + random.int(rehearsal.calls));
    await machine.check();
  }
  await machine.live(3, Infinity);
  await machine.check();
  return machine;
};

test('1,000 losses of power: what survives is whole, and what was complete survives', async () => {
  let restored = 0;
  for (let seed = 1; seed <= 1000; seed++) {
    try {
      restored += (await runSeed(seed, honest)).newest;
    } catch (error) {
      throw new Error(`seed ${seed} fails`, { cause: error });
    }
  }
  expect(restored).toBeGreaterThan(5000);
});

/** A checker that cannot fail proves nothing: each lie of the disk must be found. */
test.each<[string, Lie]>([
  ['files are not flushed', ({ name }) => name === 'sync'],
  ['data files alone are not flushed', ({ name, path }) => name === 'sync' && !path.includes('_metadata')],
  ['folders are not flushed', ({ name }) => name === 'syncFolder'],
  ['the folder of data files is not flushed', ({ name, path }) => name === 'syncFolder' && path.endsWith('/shared')],
  ['new folders are not flushed', ({ name, path }) => name === 'syncFolder' && !/chk-|shared/.test(path)],
])('a disk where %s is found out', async (_, lie) => {
  let found = 0;
  for (let seed = 1; seed <= 60; seed++) {
    await runSeed(seed, lie).catch(() => found++);
  }
  expect(found).toBeGreaterThan(0);
});

test('at rest nothing is left but what retained checkpoints refer to', async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const machine = await runSeed(seed, honest);
    const fs = new MemoryFileSystem({ disk: machine.disk });
    const kept = (await listCheckpoints(fs, JOB_FOLDER)).filter(({ complete }) => complete);
    const metadata = kept.map(({ checkpointId }) => machine.stored.get(checkpointId)!);
    await new CheckpointCleaner(fs, JOB_FOLDER, silentLogger).collect(metadata.map(retainedOf));
    const expected = new Set(metadata.flatMap((one) => [...filesOf(one).keys(), `chk-${one.checkpointId}/_metadata`]));
    for (const folder of await fs.list(JOB_FOLDER)) {
      for (const file of await fs.list(`${JOB_FOLDER}/${folder.name}`)) {
        expect([...expected], `seed ${seed}`).toContain(`${folder.name}/${file.name}`);
      }
    }
  }
});
