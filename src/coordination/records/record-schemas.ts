import { z } from 'zod';
import { errorInfo, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { checkpointId, type JobId } from '../../foundation/common/ids.ts';
import { schemaIssues } from '../../foundation/common/schema-issues.ts';
import type { CheckpointPointer } from '../completed-checkpoint-store.ts';
import type { JobEntry } from '../job-entry.ts';
import type { JobGraphPointer } from '../job-graph-store.ts';
import type { JobRecord } from '../job-record-store.ts';
import type { JobResultPointer } from '../job-result-store.ts';
import type { StoredRecord } from './record-store.ts';

/** What the values of records are: JSON, one object; fields that a reader does not know it ignores. */
const jobId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .transform((text) => text as JobId);
const count = z.int().min(0);
const id = z
  .int()
  .min(1)
  .transform((value) => checkpointId(value));

export const checkpointPointerSchema: z.ZodType<CheckpointPointer> = z.object({
  jobId,
  checkpointId: id,
  kind: z.enum(['checkpoint', 'savepoint']),
  metadataPath: z.string(),
  baseFolder: z.string(),
  writeId: z.string(),
});

export const jobGraphPointerSchema: z.ZodType<JobGraphPointer> = z.object({
  jobId,
  jobName: z.string(),
  submittedMs: z.number(),
  graphVersion: count,
  graphPath: z.string(),
  bundlePaths: z.array(z.string()),
  writeId: z.string(),
});

export const jobResultPointerSchema: z.ZodType<JobResultPointer> = z.object({
  jobId,
  jobName: z.string(),
  status: z.enum(['FINISHED', 'CANCELED', 'FAILED']),
  startedMs: z.number(),
  endedMs: z.number(),
  resultPath: z.string(),
  isDirty: z.boolean(),
});

const requestId = z.string();
const intent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('run') }),
  z.object({ kind: z.literal('cancel'), requestId }),
  z.object({ kind: z.literal('stop'), requestId, savepointDirectory: z.string(), drain: z.boolean() }),
  z.object({
    kind: z.literal('rescale'),
    requestId,
    graphVersion: count,
    graphPath: z.string(),
    replacedPath: z.string(),
  }),
  z.object({ kind: z.literal('restart-from'), requestId, snapshotPath: z.string() }),
]);

export const jobRecordSchema: z.ZodType<JobRecord> = z.object({
  intent,
  graphVersion: count,
  generations: z.array(
    z
      .object({
        generation: z.object({ epoch: count, number: count }),
        graphVersion: count,
        restored: id.optional(),
        subtasks: z.array(z.string()),
        taskManagers: z.array(z.object({ instanceId: z.string(), rpcAddress: z.exactOptional(z.string()) })),
      })
      .transform(({ restored, ...rest }) => ({ ...rest, restored })),
  ),
  restartCounts: z.record(z.string(), z.union([z.number(), z.array(z.number())])),
  loadingMarks: count,
});

export const counterSchema = z.object({ last: count });

export const lockSchema = z.object({ epoch: count, token: count });

/** What records were found to be: one that stays as it is, is read again and again, by standbys for every job twice a second. */
const parsedRecords = new WeakMap<StoredRecord, { readonly schema: unknown; readonly value: unknown }>();

/** STORE_BROKEN, with the key, for what does not fit. */
export const parseRecord = <T>(schema: z.ZodType<T>, record: StoredRecord): T => {
  const known = parsedRecords.get(record);
  if (known?.schema === schema) {
    return known.value as T;
  }
  const value = parsed(schema, record);
  parsedRecords.set(record, { schema, value });
  return value;
};

const parsed = <T>(schema: z.ZodType<T>, record: StoredRecord): T => {
  let value: unknown;
  try {
    value = JSON.parse(record.value);
  } catch (error) {
    throw brokenRecord(record.key, messageOf(error), error);
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    throw brokenRecord(record.key, schemaIssues(result.error), result.error);
  }
  return result.data;
};

/** An entry of a list whose keys end with the job's id. */
export const jobEntry = <T>(schema: z.ZodType<T>, record: StoredRecord): JobEntry<T> => {
  const ofJob = record.key.slice(record.key.lastIndexOf('/') + 1) as JobId;
  try {
    return { kind: 'read', jobId: ofJob, value: parseRecord(schema, record), version: record.version };
  } catch (error) {
    return { kind: 'broken', jobId: ofJob, error: errorInfo(error) };
  }
};

const brokenRecord = (key: string, problem: string, cause: unknown): MillraceError =>
  new MillraceError(
    'STORE_BROKEN',
    `the record ${key} in the HA store makes no sense: ${problem}; it was written by another program or version`,
    { cause },
  );
