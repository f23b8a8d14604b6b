import { z } from 'zod';
import { triggerIdSchema } from './operations-schema.ts';

const count = z.int().min(1).max(32_768);
const bounds = z.object({ lowerBound: z.int(), upperBound: z.int() });

/** `GET` and `PUT /jobs/:jobid/resource-requirements`, by vertex id. Each vertex gets its upper bound, or what slots allow. */
export const resourceRequirementsSchema = z.record(z.string(), z.object({ parallelism: bounds }));
export type ResourceRequirementsBody = z.infer<typeof resourceRequirementsSchema>;

/** `PATCH /jobs/:jobid/rescaling`: exactly that. */
export const rescalingRequestSchema = z.object({
  /** Of the job: of operators whose code says none of their own. */
  parallelism: z.exactOptional(z.union([count, z.null()])),
  /** By vertex id. */
  vertices: z.exactOptional(z.union([z.record(z.string(), count), z.null()])),
  triggerId: z.exactOptional(z.union([triggerIdSchema, z.null()])),
});
