import { describe, expect, it } from 'vitest';
import { assert } from '../../../foundation/common/assert.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { type Random, seededRandom } from '../../../foundation/common/random.ts';
import { MemoryDisk } from '../../../foundation/filesystem/memory/memory-disk.ts';
import { MemoryFileSystem } from '../../../foundation/filesystem/memory/memory-file-system.ts';
import { SinkAttempt, type SubtaskLists } from '../sink-harness.ts';
import { type FileSinkOptions, fileSinkBehavior } from './file-sink.ts';
import type { PreparedParts } from './file-sink-writer.ts';

const SEEDS = 200;
const RECORDS = 400;

/** What the job's pointer names: all that survives. */
interface Checkpoint {
  readonly id: number;
  /** How many records the source had emitted. */
  readonly position: number;
  readonly subtasks: readonly SubtaskLists[];
}

class Killed extends Error {}

interface Outcome {
  readonly disk: MemoryDisk;
  readonly kills: number;
  readonly rescaled: boolean;
}

/**
 * One job with a file sink on a disk in memory: a process is killed at a random call of the disk (with or without a loss
 * of power), or a call fails; a new process goes on from the newest completed checkpoint, perhaps with another parallelism.
 */
class CrashingJob {
  readonly #random: Random;
  readonly #options: FileSinkOptions;
  readonly #disk = new MemoryDisk(() => 0);
  readonly #attemptsMax: number;
  #newest: Checkpoint | undefined;
  #generation = 0;
  #checkpointId = 0;
  #kills = 0;
  #parallelism: number;
  readonly #rescaled: boolean;
  #callsLeft = Infinity;
  #fault: 'kill' | 'fail' = 'kill';

  constructor(random: Random, options: FileSinkOptions, attemptsMax: number) {
    this.#random = random;
    this.#options = options;
    this.#attemptsMax = attemptsMax;
    this.#parallelism = 1 + random.int(3);
    this.#rescaled = random.int(2) === 0;
  }

  async run(): Promise<Outcome> {
    for (;;) {
      this.#generation++;
      const last = this.#generation >= this.#attemptsMax;
      this.#callsLeft = last ? Infinity : 1 + this.#random.int(60);
      this.#fault = this.#random.int(4) === 0 ? 'fail' : 'kill';
      try {
        await this.#runProcess();
        return { disk: this.#disk, kills: this.#kills, rescaled: this.#rescaled };
      } catch (error) {
        if (last) {
          throw error;
        }
      }
      this.#kills++;
      if (this.#fault === 'kill') {
        if (this.#random.int(2) === 0) {
          this.#disk.crash(this.#random);
        } else {
          this.#disk.killProcess();
        }
      }
      await this.#checkVisible();
      if (this.#rescaled && this.#random.int(3) === 0) {
        this.#parallelism = 1 + this.#random.int(4);
      }
    }
  }

  async #runProcess(): Promise<void> {
    const tap = (): void => {
      if (--this.#callsLeft <= 0) {
        if (this.#fault === 'fail') {
          this.#callsLeft = Infinity;
          throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        }
        throw new Killed('killed');
      }
    };
    const fs = new MemoryFileSystem({ disk: this.#disk, tap, random: this.#random });
    const behavior = fileSinkBehavior<string>(this.#options, () => ({ fs, path: '/out' }));
    const restored =
      this.#newest === undefined ? undefined : { checkpointId: this.#newest.id, subtasks: this.#newest.subtasks };
    const attempts: SinkAttempt<string, PreparedParts>[] = [];
    try {
      for (let subtask = 0; subtask < this.#parallelism; subtask++) {
        const generation = `1.${this.#generation}`;
        const attempt = new SinkAttempt({ behavior, subtask, parallelism: this.#parallelism, generation, restored });
        attempts.push(attempt);
        await attempt.open();
      }
      await this.#feed(attempts);
    } finally {
      if (this.#fault === 'fail') {
        await Promise.all(attempts.map((attempt) => attempt.operator.close().catch(() => undefined)));
      }
    }
  }

  async #feed(attempts: SinkAttempt<string, PreparedParts>[]): Promise<void> {
    let position = this.#newest?.position ?? 0;
    while (position < RECORDS) {
      const until = Math.min(RECORDS, position + 1 + this.#random.int(40));
      for (; position < until; position++) {
        attempts[position % attempts.length]!.write(`record ${position}`);
      }
      throwFailures(attempts);
      await this.#checkpoint(attempts, position, this.#random.int(4) === 0);
    }
    for (const attempt of attempts) {
      await attempt.operator.endInput();
    }
    await this.#checkpoint(attempts, position, false);
    for (const attempt of attempts) {
      await attempt.operator.close();
    }
  }

  async #checkpoint(attempts: SinkAttempt<string, PreparedParts>[], position: number, aborted: boolean): Promise<void> {
    const id = ++this.#checkpointId;
    const subtasks = await Promise.all(attempts.map((attempt) => attempt.checkpoint(id)));
    throwFailures(attempts);
    if (aborted) {
      return;
    }
    this.#newest = { id, position, subtasks };
    await Promise.all(attempts.map((attempt) => attempt.operator.checkpointCompleted(id)));
  }

  /** Nothing that no completed checkpoint counted has a final name. */
  async #checkVisible(): Promise<void> {
    const content = await visibleContent(this.#disk);
    const early = content
      .flatMap((file) => file.lines)
      .filter((line) => !(Number(line.slice('record '.length)) < (this.#newest?.position ?? 0)));
    assert(early.length === 0, `visible before a checkpoint counted them: ${early.join(', ')}`);
  }
}

const throwFailures = (attempts: readonly SinkAttempt<string, PreparedParts>[]): void => {
  for (const { failure } of attempts) {
    if (failure !== undefined) {
      throw failure;
    }
  }
};

const visibleContent = async (disk: MemoryDisk): Promise<{ subtask: string; lines: string[] }[]> => {
  const fs = new MemoryFileSystem({ disk });
  const files = (await fs.list('/out')).filter(({ name }) => !name.startsWith('.'));
  return Promise.all(
    files.map(async ({ name }) => ({
      subtask: name.split('-')[1] ?? '',
      lines: Buffer.from(await fs.read(`/out/${name}`))
        .toString()
        .split('\n')
        .slice(0, -1),
    })),
  );
};

const checkOutput = async ({ disk, rescaled }: Outcome): Promise<void> => {
  const files = await visibleContent(disk);
  const bySubtask = new Map<string, string[]>();
  for (const { subtask, lines } of files) {
    bySubtask.set(subtask, [...(bySubtask.get(subtask) ?? []), ...lines]);
  }
  const numbers = [...bySubtask.values()].map((lines) => lines.map((line) => Number(line.slice('record '.length))));
  expect(numbers.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: RECORDS }, (_, i) => i));
  if (!rescaled) {
    for (const [subtask, lines] of bySubtask) {
      const expected = Array.from({ length: RECORDS }, (_, i) => i).filter(
        (i) => i % bySubtask.size === Number(subtask),
      );
      expect(lines).toEqual(expected.map((i) => `record ${i}`));
    }
  }
  const hidden = (await new MemoryFileSystem({ disk }).list('/out')).filter(({ name }) => name.startsWith('.'));
  expect(hidden.map(({ name }) => name)).toEqual([]);
};

const rollings: Readonly<Record<string, FileSinkOptions['rolling']>> = {
  'at each checkpoint': {},
  'by size and at each checkpoint': { maxSize: 100 },
  'by size, over checkpoints': { maxSize: 700, onCheckpoint: false },
};

describe('file sink under kill -9, power loss and failing calls', () => {
  for (const [title, rolling] of Object.entries(rollings)) {
    it(`has every record once and in order, rolling ${title} (${SEEDS} seeds)`, async () => {
      let kills = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const options: FileSinkOptions = { path: '/out', ...(rolling === undefined ? {} : { rolling }) };
        try {
          const outcome = await new CrashingJob(seededRandom(seed), options, 12).run();
          await checkOutput(outcome);
          kills += outcome.kills;
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
        }
      }
      expect(kills).toBeGreaterThan(SEEDS);
    });
  }

  it('says that a disk is full, with the name of the file', async () => {
    const tap = ({ name }: { name: string }): void => {
      if (name === 'write') {
        throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      }
    };
    const fs = new MemoryFileSystem({ tap });
    const behavior = fileSinkBehavior<string>({ path: '/out' }, () => ({ fs, path: '/out' }));
    const attempt = await new SinkAttempt({ behavior }).open();
    attempt.write('a');
    const error: unknown = await attempt.checkpoint(1).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MillraceError);
    expect((error as Error).message).toMatch(/\/out\/\.part-.*\.inprogress: no space left on the device/);
    expect(attempt.failure).toBe(error);
  });
});
