import { z } from 'zod';

const name = z.string().min(1).max(1024);

/** How warm a standby is. */
export const standbyStateSchema = z.object({
  /** Of so many jobs it has read the graphs and the metadata of checkpoints ahead; missing: it has not yet. */
  jobs: z.exactOptional(z.int().nonnegative()),
  /** What it has read is what the store says now, as far as it has heard. */
  isCurrent: z.boolean(),
  /** It has practised the takeover. */
  hasRehearsed: z.boolean(),
});
export type StandbyState = z.infer<typeof standbyStateSchema>;

/** `GET /cluster/standbys`: those that have a connection to the leader and answer on it. */
export const standbysSchema = z.object({
  standbys: z.array(
    z.object({
      instanceId: name,
      rpcAddress: name,
      /** Empty: it serves no clients. */
      restAddress: z.string(),
      state: z.exactOptional(standbyStateSchema),
    }),
  ),
});
export type Standbys = z.infer<typeof standbysSchema>;
