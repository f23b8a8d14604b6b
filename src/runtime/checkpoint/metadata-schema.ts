import { z } from 'zod';
import { isSafePath } from './checkpoint-layout.ts';
import type { CheckpointMetadata } from './metadata.ts';

const count = z.int().nonnegative();
const uint32 = count.max(0xffff_ffff);

const stateHandle = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('inline'), bytes: z.instanceof(Uint8Array) }),
  z.object({
    kind: z.literal('file'),
    path: z.string().refine(isSafePath, { error: 'is no relative path below the folder of the checkpoint' }),
    sizeBytes: count,
    checksum: uint32,
  }),
]);

const keyedSegment = z.object({ handle: stateHandle, full: z.boolean(), checkpointId: count });

const keyedStateHandle = z
  .object({
    keyGroupStart: count,
    keyGroupEnd: count,
    backendId: z.string(),
    segments: z.array(keyedSegment),
  })
  .refine(({ keyGroupStart, keyGroupEnd }) => keyGroupStart <= keyGroupEnd, { error: 'has no key groups' })
  .refine(({ segments }) => segments[0]?.full === true, { error: 'does not begin with a full segment' })
  .refine(({ segments }) => segments.every(({ full }, index) => full === (index === 0)), {
    error: 'has a full segment after the first',
  });

const operatorSubtaskState = z.object({
  keyed: z.array(keyedStateHandle),
  operatorState: z.exactOptional(stateHandle),
});

const operator = z
  .object({
    operatorId: z.string().min(1),
    uid: z.exactOptional(z.string()),
    name: z.string(),
    kind: z.string(),
    parallelism: count.min(1),
    maxParallelism: count.min(1),
    subtasks: z.array(z.union([operatorSubtaskState, z.undefined()])),
    finishedSubtasks: z.array(count),
    committedSubtasks: z.exactOptional(z.array(count)),
    enumerator: z.exactOptional(z.unknown()),
  })
  .refine(({ subtasks, parallelism }) => subtasks.length <= parallelism, {
    error: 'has more states than subtasks',
  })
  .refine(({ finishedSubtasks, parallelism }) => finishedSubtasks.every((subtask) => subtask < parallelism), {
    error: 'names a finished subtask that it does not have',
  })
  .refine(
    ({ finishedSubtasks, committedSubtasks = [] }) => committedSubtasks.every((one) => finishedSubtasks.includes(one)),
    { error: 'names a subtask that has committed and not finished' },
  )
  .refine(
    ({ subtasks, maxParallelism }) =>
      subtasks.every(
        (state) => state === undefined || state.keyed.every((keyed) => keyed.keyGroupEnd < maxParallelism),
      ),
    { error: 'has key groups above its maximal parallelism' },
  );

/** What the payload of a metadata file of version 1 must be; fields that it does not know are dropped. */
export const checkpointMetadataSchema: z.ZodType<CheckpointMetadata> = z.object({
  jobId: z.string().min(1),
  jobName: z.string(),
  checkpointId: count.min(1),
  kind: z.enum(['checkpoint', 'savepoint']),
  triggeredMs: z.number(),
  completedMs: z.number(),
  generation: z.object({ epoch: count, number: count }),
  graphFingerprint: z.string(),
  operators: z
    .array(operator)
    .refine((operators) => new Set(operators.map(({ operatorId }) => operatorId)).size === operators.length, {
      error: 'name an operator twice',
    }),
});
