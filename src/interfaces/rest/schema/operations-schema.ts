import { z } from 'zod';

/** Chosen by the client, so that a repeated request is the same operation; else by the server. */
export const triggerIdSchema = z.string().regex(/^[0-9a-f]{32}$/, '32 hex digits');
const path = z.string().min(1).max(4096);

/** What Flink's clients send and what has one meaning only here. */
const formatType = z.exactOptional(z.union([z.enum(['CANONICAL', 'NATIVE']), z.null()]));
const triggerId = z.exactOptional(z.union([triggerIdSchema, z.null()]));

/** `POST /jobs/:jobid/stop`. */
export const stopRequestSchema = z.object({
  targetDirectory: z.exactOptional(z.union([path, z.null()])),
  drain: z.exactOptional(z.union([z.boolean(), z.null()])),
  formatType,
  triggerId,
});

/** `POST /jobs/:jobid/savepoints`. */
export const savepointRequestSchema = z.object({
  'target-directory': z.exactOptional(z.union([path, z.null()])),
  'cancel-job': z.exactOptional(z.union([z.boolean(), z.null()])),
  formatType,
  triggerId,
});

/** `POST /jobs/:jobid/checkpoints`. */
export const checkpointRequestSchema = z.object({
  checkpointType: z.exactOptional(z.union([z.enum(['CONFIGURED', 'FULL', 'INCREMENTAL']), z.null()])),
  triggerId,
});

/** `POST /savepoint-disposal`. */
export const disposalRequestSchema = z.object({ 'savepoint-path': path, triggerId });

/** The answer to each of them. */
export const triggerSchema = z.object({ 'request-id': triggerIdSchema });
export type TriggerBody = z.infer<typeof triggerSchema>;

/** How an operation stands: `GET` of its request id. */
export const operationSchema = z.object({
  status: z.object({ id: z.enum(['IN_PROGRESS', 'COMPLETED']) }),
  operation: z.exactOptional(
    z.object({
      /** The folder of a savepoint; here also of a checkpoint. */
      location: z.exactOptional(z.string()),
      /** Of a checkpoint. */
      checkpointId: z.exactOptional(z.int()),
      'failure-cause': z.exactOptional(z.object({ class: z.string(), 'stack-trace': z.string() })),
    }),
  ),
});
export type OperationBody = z.infer<typeof operationSchema>;
