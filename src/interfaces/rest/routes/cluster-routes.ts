import { HIDDEN_VALUE, isSecret } from '../../../foundation/config/option-registry.ts';
import type { TaskManagerInfo } from '../cluster-gateway.ts';
import { RestError } from '../rest-error.ts';
import type {
  ClusterOverviewBody,
  ConfigurationBody,
  DashboardConfigBody,
  TaskManagerBody,
} from '../schema/cluster-schema.ts';
import { hasEnded } from '../schema/job-state.ts';
import { ok, type Route } from './route.ts';

const REFRESH_INTERVAL_MS = 3_000;

/** The one answer that needs no leader. */
export const dashboardConfig = (version: string): DashboardConfigBody => ({
  'refresh-interval': REFRESH_INTERVAL_MS,
  'timezone-name': 'UTC',
  'timezone-offset': 0,
  'flink-version': version,
  'flink-revision': 'millrace',
  features: { 'web-submit': false, 'web-cancel': true, 'web-rescale': true, 'web-history': false },
});

export const clusterRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/overview',
    handle: async (_request, { gateway, version, restAddress }) => {
      const [jobs, taskManagers] = await Promise.all([gateway.list(), gateway.taskManagers()]);
      const slots = taskManagers.reduce((sum, each) => sum + each.slots, 0);
      const free = taskManagers.reduce((sum, each) => sum + each.freeSlots, 0);
      const withStatus = (status: string): number => jobs.filter((job) => job.status === status).length;
      const body: ClusterOverviewBody = {
        taskmanagers: taskManagers.length,
        'slots-total': slots,
        'slots-available': free,
        'slots-available-after-largest-loss': freeAfterLargestLoss(taskManagers),
        'jobs-running': jobs.filter(({ status }) => !hasEnded(status) && status !== 'SUSPENDED').length,
        'jobs-finished': withStatus('FINISHED'),
        'jobs-cancelled': withStatus('CANCELED'),
        'jobs-failed': withStatus('FAILED'),
        'flink-version': version,
        'flink-commit': 'millrace',
        leader: {
          'rest-address': restAddress,
          'session-id': gateway.leadership.sessionId,
          epoch: gateway.leadership.epoch,
        },
      };
      return ok(body);
    },
  },
  {
    method: 'GET',
    path: '/taskmanagers',
    handle: async (_request, { gateway }) =>
      ok({ taskmanagers: (await gateway.taskManagers()).map(presentTaskManager) }),
  },
  {
    method: 'GET',
    path: '/taskmanagers/:taskmanagerid',
    handle: async ({ parameters }, { gateway }) => {
      const id = parameters['taskmanagerid'] ?? '';
      const found = (await gateway.taskManagers()).find(({ resourceId }) => resourceId === id);
      if (found === undefined) {
        throw new RestError(404, `TaskManager ${id.slice(0, 200)} not found`);
      }
      return ok(presentTaskManager(found));
    },
  },
  {
    // Ours: what `millrace ha status` asks for.
    method: 'GET',
    path: '/cluster/standbys',
    handle: async (_request, { gateway }) => ok(await gateway.standbys()),
  },
  {
    // Ours: what `millrace hosts check` asks for.
    method: 'GET',
    path: '/cluster/reachability',
    handle: async (_request, { gateway }) => ok(await gateway.reachability()),
  },
  {
    method: 'GET',
    path: '/jobmanager/config',
    handle: (_request, { gateway }) => Promise.resolve(ok(presentConfiguration(gateway.configuration()))),
  },
  {
    method: 'POST',
    path: '/cluster/suspend',
    handle: async (_request, { gateway }) => {
      await gateway.suspend();
      return ok({}, 202);
    },
  },
  {
    method: 'DELETE',
    path: '/cluster',
    handle: async (_request, { gateway }) => {
      await gateway.shutDown();
      return ok({});
    },
  },
];

/** Below 0: so many slots are missing then. */
export const freeAfterLargestLoss = (taskManagers: readonly Pick<TaskManagerInfo, 'slots' | 'freeSlots'>[]): number => {
  const free = taskManagers.reduce((sum, each) => sum + each.freeSlots, 0);
  // Its free slots are gone, and what ran in its others needs a place.
  return free - Math.max(0, ...taskManagers.map(({ slots }) => slots));
};

/** What is not known is empty or 0. */
const presentTaskManager = (info: TaskManagerInfo): TaskManagerBody => {
  const { cores = 0, memoryBytes = 0 } = info;
  return {
    id: info.resourceId,
    path: info.rpcAddress ?? '',
    dataPort: info.dataPort ?? 0,
    jmxPort: -1,
    timeSinceLastHeartbeat: info.lastHeartbeatMs ?? 0,
    slotsNumber: info.slots,
    freeSlots: info.freeSlots,
    totalResource: { cpuCores: cores, taskHeapMemory: memoryBytes },
    hardware: { cpuCores: cores, physicalMemory: memoryBytes, freeMemory: 0, managedMemory: 0 },
  };
};

/** Passwords and tokens also stand within values, such as in a URL. */
const withoutCredentials = (value: string): string =>
  value.replaceAll(/(:\/\/[^/\s:@]*:)[^/\s@]+@/g, `$1${HIDDEN_VALUE}@`);

export const presentConfiguration = (configuration: Readonly<Record<string, string>>): ConfigurationBody =>
  Object.entries(configuration)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, value: isSecret(key) ? HIDDEN_VALUE : withoutCredentials(value) }));
