import { z } from 'zod';
import { MillraceError, messageOf } from '../../foundation/common/errors.ts';
import { schemaIssues } from '../../foundation/common/schema-issues.ts';

/** What the nodes about leadership hold: JSON, one object each; fields that a reader does not know it ignores. */
const count = z.int().min(0);
const endpoints = z.object({ instanceId: z.string(), rpcAddress: z.string(), restAddress: z.string() });

/** `leader/epoch`: the newest grant, and before the first one nothing but the lineage. */
export const epochSchema = z.object({
  lineage: z.string(),
  epoch: count,
  sessionId: z.string(),
  grantedAtMs: z.number(),
  /** Name of the latch node of whom it was granted to; empty: nobody. */
  latch: z.string(),
});
export type EpochNode = z.infer<typeof epochSchema>;

/** `leader/connection_info`: whoever leads or is about to. */
export const informationSchema = z.object({
  epoch: count,
  latch: z.string(),
  endpoints,
  isPublished: z.boolean(),
});
export type InformationNode = z.infer<typeof informationSchema>;

/** `leader/storage`: whose store it is. */
export const storageSchema = z.object({
  folder: z.string(),
  /** Left out where it is the default. */
  executionPlans: z.string().optional(),
});

/** `leader/suspicions` */
export const suspicionsSchema = z.object({
  /** False alarms in this lineage. */
  total: count,
  /** Of the current series, for the doubling back-off. */
  inSeries: count,
  newestAtMs: z.number(),
  /** Leaders, by instance, that standbys took for dead; one that queues again lives. */
  suspected: z.array(z.string()),
});
export type SuspicionsNode = z.infer<typeof suspicionsSchema>;

/** A contender's node. */
export const latchSchema = z.object({ instanceId: z.string() });

/** So long without a false alarm, by the clocks of those who wrote, ends a series of them. */
const FALSE_ALARM_SERIES_MS = 3_600_000;
/** Suspected leaders that may still turn out to be alive. */
const SUSPECTED_MAX = 16;

export const NO_SUSPICIONS: SuspicionsNode = { total: 0, inSeries: 0, newestAtMs: 0, suspected: [] };

export const withSuspected = (before: SuspicionsNode, instanceId: string): SuspicionsNode => ({
  ...before,
  suspected: [...before.suspected.filter((other) => other !== instanceId), instanceId].slice(-SUSPECTED_MAX),
});

/** The suspected one is alive. */
export const withFalseAlarm = (before: SuspicionsNode, instanceId: string, atMs: number): SuspicionsNode => ({
  total: before.total + 1,
  inSeries: atMs - before.newestAtMs < FALSE_ALARM_SERIES_MS ? before.inSeries + 1 : 1,
  newestAtMs: atMs,
  suspected: before.suspected.filter((other) => other !== instanceId),
});

export const encodeNode = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));

/** STORE_BROKEN, with the path, for what does not fit. */
export const decodeNode = <T>(schema: z.ZodType<T>, data: Uint8Array, path: string): T => {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(data).toString());
  } catch (error) {
    throw brokenNode(path, messageOf(error), error);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw brokenNode(path, schemaIssues(parsed.error), parsed.error);
  }
  return parsed.data;
};

const brokenNode = (path: string, problem: string, cause: unknown): MillraceError =>
  new MillraceError(
    'STORE_BROKEN',
    `the node ${path} in ZooKeeper makes no sense: ${problem}; it was written by another program or version`,
    { cause },
  );
