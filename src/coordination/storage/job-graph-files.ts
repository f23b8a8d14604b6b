import { z } from 'zod';
import { messageOf } from '../../foundation/common/errors.ts';
import type { JobId } from '../../foundation/common/ids.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import { decodeValue, encodeValue } from '../../foundation/serialization/value-codec.ts';
import type { JobGraph } from '../../pipeline/graph/job-graph.ts';
import { ReadAhead } from '../../foundation/common/read-ahead.ts';
import { schemaIssues } from '../../foundation/common/schema-issues.ts';
import { decodeFrame, encodeFrame } from '../framed-file.ts';
import { brokenStorageFile } from './storage-error.ts';
import { graphFileName } from './storage-layout.ts';

/** A submitted job as it lies in `storageDir`: all that a leader needs to run it, with the bundles beside it. */
export interface StoredJob {
  readonly jobId: JobId;
  readonly submittedMs: number;
  /** From 1, raised by each rescale. */
  readonly graphVersion: number;
  readonly graph: JobGraph;
  readonly args: readonly string[];
  /** Values of `--env NAME`. */
  readonly env: Readonly<Record<string, string>>;
  readonly configuration: Readonly<Record<string, string>>;
  /** SHA-256 of each bundle in hex, the program first. */
  readonly bundles: readonly string[];
}

const FRAME = { kind: 'PLAN', version: 1 };

const texts = z.record(z.string(), z.string());
const storedJobSchema = z.object({
  jobId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .transform((text) => text as JobId),
  submittedMs: z.number(),
  graphVersion: z.int().min(1),
  // Checked by its fingerprint where it is deployed; here only that it is one.
  graph: z.custom<JobGraph>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      'fingerprint' in value &&
      'vertices' in value &&
      Array.isArray(value.vertices),
    'no job graph',
  ),
  args: z.array(z.string()),
  env: texts,
  configuration: texts,
  bundles: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
});

/** Job graphs that a standby keeps in memory. */
const AHEAD_MAX = 10_000;

export class JobGraphFiles {
  readonly #fs: FileSystem;
  readonly #random: Random;
  readonly #ahead = new ReadAhead<StoredJob>(AHEAD_MAX);

  constructor(fs: FileSystem, random: Random) {
    this.#fs = fs;
    this.#random = random;
  }

  /** Writes a new file in the folder of the job, durable before this resolves (I3); resolves with its path. */
  async write(folder: string, job: StoredJob): Promise<string> {
    const path = `${folder}/${graphFileName(this.#random)}`;
    await this.#fs.write(path, encodeFrame(FRAME, encodeValue(job, 'submitted job')), { ifAbsent: true });
    return path;
  }

  /** Keeps these files in memory until each is read once, and no others (R14: a name is used once, so it stands for the content). */
  readAhead(paths: readonly string[]): Promise<void> {
    return this.#ahead.keep(new Map(paths.map((path) => [path, () => this.#read(path)])));
  }

  /** Errors: CORRUPT_DATA, FILE_NOT_FOUND, those of the file system. */
  async read(path: string): Promise<StoredJob> {
    return this.#ahead.take(path) ?? this.#read(path);
  }

  async #read(path: string): Promise<StoredJob> {
    const bytes = await this.#fs.read(path);
    const payload = decodeFrame(FRAME, bytes, (problem) => brokenStorageFile(path, problem));
    let value: unknown;
    try {
      value = decodeValue(payload);
    } catch (error) {
      throw brokenStorageFile(path, messageOf(error), error);
    }
    const parsed = storedJobSchema.safeParse(value);
    if (!parsed.success) {
      throw brokenStorageFile(path, schemaIssues(parsed.error), parsed.error);
    }
    return parsed.data;
  }
}
