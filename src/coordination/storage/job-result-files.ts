import { z } from 'zod';
import { messageOf, type ErrorInfo } from '../../foundation/common/errors.ts';
import type { JobId } from '../../foundation/common/ids.ts';
import type { Random } from '../../foundation/common/random.ts';
import { schemaIssues } from '../../foundation/common/schema-issues.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import { decodeFrame, encodeFrame } from '../framed-file.ts';
import { brokenStorageFile } from './storage-error.ts';
import { resultFileName } from './storage-layout.ts';

/** How a job ended, for whoever asks later. */
export interface StoredJobResult {
  readonly jobId: JobId;
  readonly jobName: string;
  readonly status: 'FINISHED' | 'CANCELED' | 'FAILED';
  readonly startedMs: number;
  readonly endedMs: number;
  readonly restarts: number;
  /** Why it FAILED. */
  readonly error?: ErrorInfo;
  /** The savepoint that a stop ended with. */
  readonly savepoint?: string;
  /** Folder of the job's checkpoints, where they go with the job; a successor that resumes the end (R9) knows it from here. */
  readonly checkpointsToDelete?: string;
}

const FRAME = { kind: 'RSLT', version: 1 };

const errorSchema: z.ZodType<ErrorInfo> = z.object({
  name: z.string(),
  message: z.string(),
  code: z.string().exactOptional(),
  stack: z.string().exactOptional(),
  get cause() {
    return errorSchema.exactOptional();
  },
});

const resultSchema = z.object({
  jobId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .transform((text) => text as JobId),
  jobName: z.string(),
  status: z.enum(['FINISHED', 'CANCELED', 'FAILED']),
  startedMs: z.number(),
  endedMs: z.number(),
  restarts: z.int().min(0),
  error: errorSchema.exactOptional(),
  savepoint: z.string().exactOptional(),
  checkpointsToDelete: z.string().exactOptional(),
});

export class JobResultFiles {
  readonly #fs: FileSystem;
  readonly #random: Random;

  constructor(fs: FileSystem, random: Random) {
    this.#fs = fs;
    this.#random = random;
  }

  /** Durable before it resolves (I3); resolves with its path. */
  async write(folder: string, result: StoredJobResult): Promise<string> {
    const path = `${folder}/${resultFileName(result.jobId, this.#random)}`;
    await this.#fs.write(path, encodeFrame(FRAME, Buffer.from(JSON.stringify(result))), { ifAbsent: true });
    return path;
  }

  /** Errors: CORRUPT_DATA, FILE_NOT_FOUND, those of the file system. */
  async read(path: string): Promise<StoredJobResult> {
    const payload = decodeFrame(FRAME, await this.#fs.read(path), (problem) => brokenStorageFile(path, problem));
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(payload).toString('utf8'));
    } catch (error) {
      throw brokenStorageFile(path, messageOf(error), error);
    }
    const parsed = resultSchema.safeParse(value);
    if (!parsed.success) {
      throw brokenStorageFile(path, schemaIssues(parsed.error), parsed.error);
    }
    return parsed.data;
  }

  /** The pointer to it is deleted before (I3). */
  delete(path: string): Promise<void> {
    return this.#fs.delete(path);
  }
}
