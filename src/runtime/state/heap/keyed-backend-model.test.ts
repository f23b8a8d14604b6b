import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { seededRandom, type Random } from '../../../foundation/common/random.ts';
import { MemoryStateStorage } from '../memory-state-storage.ts';
import type { PendingKeyedSnapshot } from '../snapshot.ts';
import type { KeyedSegment, KeyedStateHandle } from '../state-handle.ts';
import { decodeSegment } from './keyed-state-format.ts';
import { type Content, contentOf, ModelOperator } from './test-support/keyed-state-model.ts';

const RUNS = 400;
const STEPS = 250;

interface Checkpoint {
  readonly id: number;
  readonly content: Content;
  readonly ordered: boolean;
  readonly full: boolean;
  pending: PendingKeyedSnapshot[];
  handles: (KeyedStateHandle | undefined)[];
}

const counts = { restores: 0, rescales: 0, increments: 0, cancelled: 0, compactions: 0 };

class Run {
  readonly #random: Random;
  readonly #storage = new MemoryStateStorage();
  #operator: ModelOperator;
  #checkpoints: Checkpoint[] = [];
  #completed: Checkpoint | undefined;
  #nextId = 1;
  /** Few make long chains of increments, many make full images. */
  readonly #mostChanges: number;
  /** Writers that pause. */
  #paused: (() => void)[] = [];
  readonly #writers = new Set<Promise<void>>();

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#mostChanges = [4, 12, 40][seed % 3]!;
    this.#operator = new ModelOperator(1 + this.#random.int(3), this.#random);
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      await this.#step();
    }
    while (this.#writers.size > 0) {
      await this.#resume();
    }
    await Promise.all(this.#checkpoints.map((checkpoint) => this.#verify(checkpoint)));
    const { model, subtasks, ordered } = this.#operator;
    assert.deepEqual(contentOf(subtasks, model, ordered), model);
  }

  async #step(): Promise<void> {
    const dice = this.#random.int(100);
    if (dice < 60) {
      for (let changes = this.#random.int(this.#mostChanges); changes > 0; changes--) {
        this.#operator.change();
      }
    } else if (dice < 72) {
      this.#trigger();
    } else if (dice < 90) {
      await this.#resume();
    } else if (dice < 97) {
      await this.#decide();
    } else if (this.#completed !== undefined && this.#random.int(2) === 0) {
      await this.#restart(this.#completed);
    }
  }

  #trigger(): void {
    const full = this.#random.int(5) === 0;
    const { model, subtasks, ordered } = this.#operator;
    const checkpoint: Checkpoint = {
      id: this.#nextId++,
      content: structuredClone(model),
      ordered,
      full,
      pending: [],
      handles: [],
    };
    const baseId = this.#completed?.id;
    checkpoint.pending = subtasks.map((subtask) => subtask.snapshot({ checkpointId: checkpoint.id, baseId, full }));
    this.#checkpoints.push(checkpoint);
    checkpoint.pending.forEach((pending, subtask) => {
      const writer = this.#write(checkpoint, pending, subtask).finally(() => this.#writers.delete(writer));
      this.#writers.add(writer);
    });
  }

  async #write(checkpoint: Checkpoint, pending: PendingKeyedSnapshot, subtask: number): Promise<void> {
    const pause = (): Promise<void> => new Promise((resolve) => this.#paused.push(resolve));
    if (this.#random.int(2) === 0) {
      await pause();
    }
    try {
      checkpoint.handles[subtask] = await pending.write(this.#storage, pause);
    } catch (thrown) {
      if (!String(thrown).includes('was cancelled')) {
        throw thrown;
      }
    }
  }

  async #resume(): Promise<void> {
    for (let times = 1 + this.#random.int(20); times > 0 && this.#paused.length > 0; times--) {
      const [resolve] = this.#paused.splice(this.#random.int(this.#paused.length), 1);
      resolve!();
      await settle();
    }
    await settle();
  }

  /** Completes or aborts one checkpoint; older ones that are not decided are aborted with it (R2). */
  async #decide(): Promise<void> {
    const checkpoint = this.#checkpoints[this.#random.int(this.#checkpoints.length)];
    if (checkpoint === undefined) {
      return;
    }
    const isWritten = checkpoint.pending.every((_, subtask) => checkpoint.handles[subtask] !== undefined);
    if (isWritten && this.#random.int(4) > 0) {
      await this.#verify(checkpoint);
      if (!checkpoint.full && checkpoint.id > (this.#completed?.id ?? 0)) {
        this.#completed = checkpoint;
        this.#operator.subtasks.forEach(
          (subtask) => this.#random.int(4) > 0 && subtask.checkpointCompleted(checkpoint.id),
        );
        this.#checkpoints
          .filter((other) => other.id < checkpoint.id && !other.full)
          .forEach((older) => this.#abort(older));
      }
    } else {
      this.#abort(checkpoint);
    }
  }

  #abort(checkpoint: Checkpoint): void {
    counts.cancelled++;
    checkpoint.pending.forEach((pending) => pending.cancel());
    this.#checkpoints = this.#checkpoints.filter((other) => other !== checkpoint);
  }

  async #restart(checkpoint: Checkpoint): Promise<void> {
    this.#checkpoints.forEach((other) => other.pending.forEach((pending) => pending.cancel()));
    this.#checkpoints = [];
    while (this.#writers.size > 0) {
      await this.#resume();
    }
    const old = checkpoint.pending.length;
    const parallelism = this.#random.int(2) === 0 ? old : 1 + this.#random.int(4);
    const operator = new ModelOperator(parallelism, this.#random);
    await restore(operator, checkpoint, this.#storage);
    operator.model = structuredClone(checkpoint.content);
    operator.registrations = this.#operator.registrations;
    operator.ordered = checkpoint.ordered && parallelism === old;
    this.#operator = operator;
    counts.restores++;
    counts.rescales += parallelism === old ? 0 : 1;
  }

  async #entriesIn(segment: KeyedSegment): Promise<number> {
    const { head } = decodeSegment(await this.#storage.read(segment.handle));
    return head.blocks.reduce((sum, block) => sum + block.entries, 0);
  }

  async #verify(checkpoint: Checkpoint): Promise<void> {
    const handles = checkpoint.handles.filter((handle) => handle !== undefined);
    if (handles.length < checkpoint.pending.length) {
      return;
    }
    const images = handles.map(({ segments }) => segments.at(-1)!).filter((segment) => segment.full);
    if (images.length === handles.length) {
      const entries = await Promise.all(images.map((segment) => this.#entriesIn(segment)));
      const total = entries.reduce((sum, count) => sum + count, 0);
      assert.equal(total, checkpoint.content.size, 'a full image has each entry once');
    }
    for (const { segments } of handles) {
      counts.increments += segments.at(-1)!.full ? 0 : 1;
      counts.compactions += segments.length === 1 && !checkpoint.full ? 1 : 0;
      assert.deepEqual(
        segments.map((segment) => segment.full),
        segments.map((_, index) => index === 0),
      );
      assert.ok(segments.length <= 10);
    }
    const copy = new ModelOperator(this.#random.int(2) === 0 ? handles.length : 1 + this.#random.int(4), this.#random);
    await restore(copy, checkpoint, this.#storage);
    const ordered = checkpoint.ordered && copy.parallelism === handles.length;
    const content = contentOf(copy.subtasks, checkpoint.content, ordered);
    assert.deepEqual(content, checkpoint.content);
  }
}

const restore = async (operator: ModelOperator, checkpoint: Checkpoint, storage: MemoryStateStorage): Promise<void> => {
  const handles = checkpoint.handles.filter((handle) => handle !== undefined);
  for (const subtask of operator.subtasks) {
    await subtask.restore(handles, storage, checkpoint.id);
  }
};

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('keyed state against a model', () => {
  test(`${RUNS} random runs`, { timeout: 300_000 }, async () => {
    const first = Number(process.env['STATE_SEED'] ?? 1);
    for (let seed = first; seed < first + RUNS; seed++) {
      try {
        await new Run(seed).run();
      } catch (thrown) {
        throw new Error(`STATE_SEED=${seed} shows it`, { cause: thrown });
      }
    }
    for (const [name, count] of Object.entries(counts)) {
      assert.ok(count > 0, name);
    }
  });
});
