import { z } from 'zod';

/** Flink's names. */
export const jobStateSchema = z.enum([
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
]);
export type JobState = z.infer<typeof jobStateSchema>;

/** The job never runs again. */
export const hasEnded = (state: JobState): state is 'FAILED' | 'CANCELED' | 'FINISHED' =>
  state === 'FAILED' || state === 'CANCELED' || state === 'FINISHED';

/** States of tasks, in the order in which Flink lists them. */
export const taskStateSchema = z.enum([
  'CREATED',
  'SCHEDULED',
  'DEPLOYING',
  'RUNNING',
  'FINISHED',
  'CANCELING',
  'CANCELED',
  'FAILED',
  'RECONCILING',
  'INITIALIZING',
]);
export type TaskState = z.infer<typeof taskStateSchema>;

export const jobIdSchema = z.string().regex(/^[0-9a-f]{32}$/, '32 hex digits');
