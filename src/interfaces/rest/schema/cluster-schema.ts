import { z } from 'zod';

const count = z.int().nonnegative();

/** `GET /overview`. */
export const overviewSchema = z.object({
  taskmanagers: count,
  'slots-total': count,
  'slots-available': count,
  /** Ours: slots that stay free when the TaskManager with the most slots is lost and its tasks move; below 0: so many are missing. */
  'slots-available-after-largest-loss': z.int(),
  'jobs-running': count,
  'jobs-finished': count,
  'jobs-cancelled': count,
  'jobs-failed': count,
  /** Where tools of Flink look for the version: Millrace's. */
  'flink-version': z.string(),
  'flink-commit': z.string(),
  /** Ours: who answered for the cluster. */
  leader: z.object({ 'rest-address': z.string(), 'session-id': z.string(), epoch: count }),
});
export type ClusterOverviewBody = z.infer<typeof overviewSchema>;

/** `GET /config`: also answered by a process that neither leads nor sees a leader, so that probes can ask whether it lives. */
export const dashboardConfigSchema = z.object({
  'refresh-interval': count,
  'timezone-name': z.string(),
  'timezone-offset': z.int(),
  'flink-version': z.string(),
  'flink-revision': z.string(),
  features: z.object({
    'web-submit': z.boolean(),
    'web-cancel': z.boolean(),
    'web-rescale': z.boolean(),
    'web-history': z.boolean(),
  }),
});
export type DashboardConfigBody = z.infer<typeof dashboardConfigSchema>;

/** `GET /jobmanager/config`. */
export const configurationSchema = z.array(z.object({ key: z.string(), value: z.string() }));
export type ConfigurationBody = z.infer<typeof configurationSchema>;

const resource = z.object({ cpuCores: z.number(), taskHeapMemory: count });

export const taskManagerSchema = z.object({
  id: z.string(),
  path: z.string(),
  dataPort: count,
  /** There is none; tools of Flink expect the field. */
  jmxPort: z.literal(-1),
  /** Milliseconds since 1970 of the last sign of life, in spite of its name. */
  timeSinceLastHeartbeat: z.number(),
  slotsNumber: count,
  freeSlots: count,
  totalResource: resource,
  hardware: z.object({ cpuCores: count, physicalMemory: count, freeMemory: count, managedMemory: count }),
});
export type TaskManagerBody = z.infer<typeof taskManagerSchema>;

/** `GET /taskmanagers`. */
export const taskManagersSchema = z.object({ taskmanagers: z.array(taskManagerSchema) });
export type TaskManagersBody = z.infer<typeof taskManagersSchema>;

/** Every answer that is no success. */
export const errorsSchema = z.object({ errors: z.array(z.string()).min(1) });

export const emptySchema = z.object({});
