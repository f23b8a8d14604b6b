import { booleanType, durationType, enumType, integerType, mapType, pathNameType, stringType } from '../option-type.ts';
import { option } from '../option.ts';

const prefix = 'high-availability';
const client = `${prefix}.zookeeper.client`;
const lease = `${prefix}.kubernetes.leader-election`;
const isUsed = false;

/** Old names from before Flink 1.2: `recovery.` in place of `high-availability.`. */
const recovery = (rest: string): string => `recovery.${rest}`;

/** Who agrees on the leader, and where what must survive a JobManager is kept. */
export const highAvailabilityOptions = {
  type: option(enumType(['none', 'embedded', 'zookeeper', 'kubernetes']), {
    key: `${prefix}.type`,
    deprecatedKeys: [prefix, recovery('mode')],
    default: 'none',
    description:
      'What the JobManagers agree through: `none`, one JobManager whose crash ends its jobs; `embedded`, a folder that all ' +
      'processes share, of one machine or of a shared file system that links atomically (NFS does). `zookeeper` and `kubernetes` are not there yet.',
  }),
  clusterId: option(pathNameType, {
    key: `${prefix}.cluster-id`,
    deprecatedKeys: [`${prefix}.zookeeper.path.namespace`, recovery('zookeeper.path.namespace')],
    default: '/default',
    description: 'Tells clusters apart that share a store.',
  }),
  storageDirectory: option(stringType, {
    key: `${prefix}.storageDir`,
    deprecatedKeys: [`${prefix}.zookeeper.storageDir`, recovery('zookeeper.storageDir')],
    description: 'Folder that all processes share, for job graphs and what the pointers in the store refer to.',
  }),
  embeddedDirectory: option(stringType, {
    key: `${prefix}.embedded.dir`,
    defaultText: '`<storageDir>/<cluster-id>/ha-store`',
    description: 'Folder of embedded stores, each cluster has one with its id as name.',
    isFlink: false,
  }),
  embeddedLease: option(durationType, {
    key: `${prefix}.embedded.lease-duration`,
    default: '5 s',
    description:
      'A leader that gave no sign of life for so long is replaced, when it is paused or cut off from the store; one whose main ' +
      'thread hangs, within three times as long; one whose process has died, at once.',
    isFlink: false,
  }),
  embeddedPollInterval: option(durationType, {
    key: `${prefix}.embedded.poll-interval`,
    default: '25 ms',
    description: 'Pause between two looks of a process for what others wrote.',
    isFlink: false,
  }),
  startEmpty: option(booleanType, {
    key: `${prefix}.start-empty`,
    default: 'false',
    description:
      'Begin with an empty store although `storageDir` holds jobs of this cluster. They are left behind: not started, not deleted. ' +
      'For one start, not to be left in a file.',
    isFlink: false,
  }),
  jobManagerPort: option(stringType, {
    key: `${prefix}.jobmanager.port`,
    deprecatedKeys: [recovery('jobmanager.port')],
    default: '0',
    description: 'Port, or range of ports, of a JobManager with HA; 0 takes any.',
  }),
  zooKeeperQuorum: option(stringType, {
    key: `${prefix}.zookeeper.quorum`,
    deprecatedKeys: [recovery('zookeeper.quorum')],
    description: 'The ensemble, as host:port, divided by commas.',
    isUsed,
  }),
  zooKeeperRoot: option(stringType, {
    key: `${prefix}.zookeeper.path.root`,
    deprecatedKeys: [recovery('zookeeper.path.root')],
    default: '/flink',
    description: 'Node above those of all clusters.',
    isUsed,
  }),
  zooKeeperExecutionPlans: option(stringType, {
    key: `${prefix}.zookeeper.path.execution-plans`,
    deprecatedKeys: [recovery('zookeeper.path.jobgraphs'), `${prefix}.zookeeper.path.jobgraphs`],
    default: '/execution-plans',
    description: 'Node of the submitted jobs.',
    isUsed,
  }),
  zooKeeperApplications: option(stringType, {
    key: `${prefix}.zookeeper.path.applications`,
    default: '/applications',
    description: 'Node of the submitted applications.',
    isUsed,
  }),
  zooKeeperSessionTimeout: option(durationType, {
    key: `${client}.session-timeout`,
    deprecatedKeys: [recovery('zookeeper.client.session-timeout')],
    default: '10 s',
    description: 'How long a session outlives its connection; a leader whose host is lost is replaced after it.',
    differs: { flink: '60 s', here: '10 s', reason: 'host loss' },
    isUsed,
  }),
  zooKeeperConnectionTimeout: option(durationType, {
    key: `${client}.connection-timeout`,
    deprecatedKeys: [recovery('zookeeper.client.connection-timeout')],
    default: '15 s',
    description: 'Limit of one attempt to connect.',
    isUsed,
  }),
  zooKeeperRetryWait: option(durationType, {
    key: `${client}.retry-wait`,
    deprecatedKeys: [recovery('zookeeper.client.retry-wait')],
    default: '5 s',
    description: 'First pause between attempts; it doubles.',
    isUsed,
  }),
  zooKeeperMaxRetryWait: option(durationType, {
    key: `${client}.max-retry-wait`,
    default: '1 min',
    description: 'The longest such pause.',
    isUsed,
  }),
  zooKeeperMaxRetries: option(integerType({ min: 0 }), {
    key: `${client}.max-retry-attempts`,
    deprecatedKeys: [recovery('zookeeper.client.max-retry-attempts')],
    default: '3',
    description: 'Attempts before an operation fails.',
    isUsed,
  }),
  zooKeeperAcl: option(enumType(['open', 'creator']), {
    key: `${client}.acl`,
    default: 'open',
    description: 'Who may read and write the nodes.',
    isUsed,
  }),
  zooKeeperAuthorization: option(mapType, {
    key: `${client}.authorization`,
    description: 'Credentials added to the connection, by scheme. Never shown.',
    isUsed,
  }),
  zooKeeperMaxCloseWait: option(durationType, {
    key: `${client}.max-close-wait`,
    description: 'How long closing the client may take.',
    isUsed,
  }),
  zooKeeperSimulatedExpiration: option(integerType({ min: 0, max: 100 }), {
    key: `${client}.simulated-session-expiration-percent`,
    description: 'Part of the session timeout after which a client takes its session for lost.',
    isUsed,
  }),
  zooKeeperEnsembleTracker: option(booleanType, {
    key: `${client}.ensemble-tracker`,
    default: 'true',
    description: 'Follow changes of the ensemble; not behind a load balancer.',
    isUsed,
  }),
  zooKeeperTolerateSuspended: option(booleanType, {
    key: `${client}.tolerate-suspended-connections`,
    default: 'false',
    description: 'In Flink: a lost connection alone does not end leadership. Here it never does.',
    isUsed,
  }),
  leaseDuration: option(durationType, {
    key: `${lease}.lease-duration`,
    default: '15 s',
    description: 'How long a lease counts after its last renewal.',
    isUsed,
  }),
  leaseRenewDeadline: option(durationType, {
    key: `${lease}.renew-deadline`,
    default: '15 s',
    description: 'A leader that could not renew for this long gives up.',
    isUsed,
  }),
  leaseRetryPeriod: option(durationType, {
    key: `${lease}.retry-period`,
    default: '5 s',
    description: 'Pause between attempts to acquire or renew.',
    isUsed,
  }),
};
