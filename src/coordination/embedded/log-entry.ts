import { z } from 'zod';
import { schemaIssues } from '../../foundation/common/schema-issues.ts';
import type { RecordChange } from '../records/record-store.ts';
import type { LeaderEndpoints } from '../leadership.ts';
import { brokenFile, decodeStoreFile, encodeStoreFile } from './store-file.ts';

/** The claim that a transaction means to replace: it is void when the store has another by then. */
export interface ExpectedClaim {
  /** The highest epoch ever granted. */
  readonly epoch: number;
  /** That leader's newest sign of life; `null`: nobody claims to lead. */
  readonly renewal: number | null;
}

/** One step of the store's state, all or nothing. `epoch`: void unless that epoch leads at this place of the log (I1). */
export type Transaction =
  /** A place in the queue, or a sign of life of one that has it. */
  | { readonly kind: 'queue'; readonly endpoints: LeaderEndpoints; readonly atMs: number }
  | { readonly kind: 'leave'; readonly instanceId: string }
  /** Takes a contender out that gave no sign of life since. */
  | { readonly kind: 'drop'; readonly instanceId: string; readonly seen: number }
  /** The grant of the next epoch. */
  | {
      readonly kind: 'claim';
      readonly endpoints: LeaderEndpoints;
      readonly sessionId: string;
      readonly atMs: number;
      readonly expected: ExpectedClaim;
      readonly cause: 'vacant' | 'expired' | 'suspected';
    }
  | { readonly kind: 'renew'; readonly epoch: number }
  | { readonly kind: 'publish'; readonly epoch: number }
  | { readonly kind: 'resign'; readonly epoch: number }
  /** A grant of an epoch above `above` to the one who leads (R12). */
  | {
      readonly kind: 'raise';
      readonly epoch: number;
      readonly above: number;
      readonly sessionId: string;
      readonly atMs: number;
    }
  | { readonly kind: 'change'; readonly epoch: number; readonly changes: readonly RecordChange[] }
  /** Takes a number, so that nothing else can have it any more. */
  | { readonly kind: 'nothing' };

/** One file of the log: what one process had to write at that moment. */
export interface LogEntry {
  /** Of this attempt to write: tells one's own entry from that of another at the same number. */
  readonly id: string;
  readonly lineage: string;
  readonly transactions: readonly Transaction[];
}

const count = z.int().min(0);
const expected = z.union([count, z.literal('absent')]);
const key = z.string();

const changeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('put'), key, value: z.string(), expected: expected.exactOptional() }),
  z.object({ kind: z.literal('delete'), key, expected: count.exactOptional() }),
  z.object({ kind: z.literal('delete-all'), prefix: z.string() }),
  z.object({ kind: z.literal('require'), key, expected }),
]);

export const endpointsSchema = z.object({ instanceId: z.string(), rpcAddress: z.string(), restAddress: z.string() });

const transactionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('queue'), endpoints: endpointsSchema, atMs: z.number() }),
  z.object({ kind: z.literal('leave'), instanceId: z.string() }),
  z.object({ kind: z.literal('drop'), instanceId: z.string(), seen: count }),
  z.object({
    kind: z.literal('claim'),
    endpoints: endpointsSchema,
    sessionId: z.string(),
    atMs: z.number(),
    expected: z.object({ epoch: count, renewal: count.nullable() }),
    cause: z.enum(['vacant', 'expired', 'suspected']),
  }),
  z.object({ kind: z.enum(['renew', 'publish', 'resign']), epoch: count }),
  z.object({ kind: z.literal('raise'), epoch: count, above: count, sessionId: z.string(), atMs: z.number() }),
  z.object({ kind: z.literal('change'), epoch: count, changes: z.array(changeSchema) }),
  z.object({ kind: z.literal('nothing') }),
]);

const entrySchema: z.ZodType<LogEntry> = z.object({
  id: z.string(),
  lineage: z.string(),
  transactions: z.array(transactionSchema),
});

export const encodeLogEntry = (entry: LogEntry): Uint8Array => encodeStoreFile('HLOG', entry);

export const decodeLogEntry = (bytes: Uint8Array, path: string): LogEntry => {
  const parsed = entrySchema.safeParse(decodeStoreFile('HLOG', bytes, path));
  if (!parsed.success) {
    throw brokenFile(path, schemaIssues(parsed.error), parsed.error);
  }
  return parsed.data;
};
