import { z } from 'zod';
import { schemaIssues } from '../../foundation/common/schema-issues.ts';
import { endpointsSchema } from './log-entry.ts';
import { brokenFile, decodeStoreFile, encodeStoreFile } from './store-file.ts';
import type { StoreImage } from './store-state.ts';

const count = z.int().min(0);

const imageSchema: z.ZodType<StoreImage> = z.object({
  lineage: z.string(),
  number: count,
  epoch: count,
  revision: count,
  claim: z
    .object({
      leadership: z.object({ lineage: z.string(), epoch: count, sessionId: z.string(), grantedAtMs: z.number() }),
      endpoints: endpointsSchema,
      isPublished: z.boolean(),
      renewal: count,
      cause: z.enum(['vacant', 'expired', 'suspected']),
    })
    .nullable(),
  queue: z.array(z.object({ endpoints: endpointsSchema, since: count, seen: count })),
  falseAlarms: z.object({ total: count, inSeries: count, newestAtMs: z.number() }),
  suspected: z.array(z.string()),
  records: z.array(z.object({ key: z.string(), value: z.string(), version: count })),
});

export const encodeSnapshot = (image: StoreImage): Uint8Array => encodeStoreFile('HSNP', image);

export const decodeSnapshot = (bytes: Uint8Array, path: string): StoreImage => {
  const parsed = imageSchema.safeParse(decodeStoreFile('HSNP', bytes, path));
  if (!parsed.success) {
    throw brokenFile(path, schemaIssues(parsed.error), parsed.error);
  }
  return parsed.data;
};
