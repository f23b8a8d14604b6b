import { booleanType, durationType, enumType, pathNameType, stringType } from '../option-type.ts';
import { option } from '../option.ts';

const prefix = 'high-availability';
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
      'processes share, of one machine or of a shared file system that links atomically (NFS does); `zookeeper`, an ensemble of ZooKeeper ' +
      '3.6 or newer. `kubernetes` is not there yet.',
  }),
  clusterId: option(pathNameType, {
    key: `${prefix}.cluster-id`,
    deprecatedKeys: [`${prefix}.zookeeper.path.namespace`, recovery('zookeeper.path.namespace')],
    otherSpellings: ['zookeeper.cluster-id'],
    default: '/default',
    description: 'Tells clusters apart that share a store.',
  }),
  storageDirectory: option(stringType, {
    key: `${prefix}.storageDir`,
    deprecatedKeys: [`${prefix}.zookeeper.storageDir`, recovery('zookeeper.storageDir')],
    otherSpellings: [`${prefix}.storage-dir`],
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
