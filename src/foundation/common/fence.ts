import { z } from 'zod';

/** Whose command or report it is (I2): a lower epoch than the newest seen of the same lineage is refused. */
export interface Fence {
  readonly lineage: string;
  readonly epoch: number;
}

export const fenceSchema: z.ZodType<Fence> = z.object({
  lineage: z.string().min(1).max(256),
  epoch: z.int().nonnegative(),
});
