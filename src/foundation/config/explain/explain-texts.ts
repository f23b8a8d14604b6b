import type { AnyOption } from '../option.ts';
import { checkpointingOptions } from '../options/checkpointing-options.ts';
import { clusterOptions } from '../options/cluster-options.ts';
import { highAvailabilityOptions } from '../options/high-availability-options.ts';
import { zooKeeperOptions } from '../options/zookeeper-options.ts';
import { processOptions } from '../options/process-options.ts';
import { securityOptions } from '../options/security-options.ts';

/** What a list of options has no room for. */
export interface ExplainText {
  /** In other words than the description, for those who see the key for the first time. */
  readonly what?: string;
  /** When it has to be set; `no` unless said. */
  readonly required?: string;
  readonly recommended?: string;
  readonly ifNotSet?: string;
  /** Whether a fast local disk is of use; `no effect` unless said. */
  readonly ssd?: string;
}

const ha = highAvailabilityOptions;

/** On whichever disk the folder is. */
const ON_ITS_DISK = 'helps where the folder is on a local disk';

const texts: readonly (readonly [AnyOption, ExplainText])[] = [
  [
    ha.type,
    {
      what: 'Chooses who elects the leader and keeps the pointers to what is stored: none, embedded, zookeeper or kubernetes.',
      required: 'for HA',
      recommended:
        'zookeeper or kubernetes in production; embedded where all processes share a folder; none for development',
      ifNotSet: 'no HA: a JobManager that crashes ends its jobs',
    },
  ],
  [
    ha.storageDirectory,
    {
      what: 'Where job graphs, bundles, results and the files behind all pointers lie. The store of the leader has the pointers alone.',
      required: 'with HA',
      recommended:
        'a durable file system that every JobManager and TaskManager sees: HDFS, S3, Ceph, NFS, a shared volume; never /tmp',
      ifNotSet: 'the process refuses to start with HA; it never starts from scratch instead',
      ssd: 'helps on local disks, irrelevant on object stores',
    },
  ],
  [
    zooKeeperOptions.quorum,
    {
      what: 'The servers of the ZooKeeper ensemble, host:port, divided by commas.',
      required: 'with high-availability.type: zookeeper',
      recommended: 'three servers, an odd number, on hosts of their own',
      ifNotSet: 'the process refuses to start with zookeeper',
      ssd: "the disks of ZooKeeper's servers matter, those of Millrace do not",
    },
  ],
  [
    zooKeeperOptions.acl,
    {
      what: 'Who may touch our nodes in ZooKeeper: open, everybody; creator, only who has made them.',
      recommended: 'open for development; creator where the ensemble is secured (SASL or digest)',
      ifNotSet: 'open',
    },
  ],
  [
    ha.clusterId,
    {
      what: 'Separates clusters on one ensemble, and on one storage directory: each has nodes and a folder of this name.',
      required: 'where several clusters share them',
      recommended: 'one name for each cluster, with or without a slash in front',
      ifNotSet: '/default: two clusters would take each other for one',
    },
  ],
  [
    zooKeeperOptions.root,
    {
      what: 'The root of all our nodes in ZooKeeper; those of a cluster are below it, under its cluster-id.',
      recommended: '/flink',
      ifNotSet: '/flink',
    },
  ],
  [
    checkpointingOptions.interval,
    {
      what: 'How often the state of a job is saved, so that it goes on from there after a failure.',
      required: 'for state to survive the loss of a TaskManager',
      recommended: 'seconds to minutes',
      ifNotSet: 'no checkpoints, unless the job sets an interval in its code',
      ssd: 'fast local disks shorten the local copy',
    },
  ],
  [
    checkpointingOptions.directory,
    {
      required: 'no; without HA a cluster needs one that all its processes see',
      recommended: 'shared and durable storage; with HA the default is right',
      ssd: 'helps on local disks, irrelevant on object stores',
    },
  ],
  [checkpointingOptions.savepointDirectory, { recommended: 'shared and durable storage', ssd: ON_ITS_DISK }],
  [checkpointingOptions.localBackup, { ssd: 'fast local disks shorten the copy and the restore' }],
  [
    checkpointingOptions.localBackupFolders,
    {
      recommended:
        'a folder on the fastest local disk, or on the file system of the checkpoint directory where that is local',
      ssd: 'helps: state is copied there with each checkpoint and read from there after a failure',
    },
  ],
  [
    ha.embeddedDirectory,
    { recommended: 'the default', ssd: 'helps: each change of the store is written through to the disk' },
  ],
  [processOptions.temporaryFolders, { ssd: ON_ITS_DISK }],
  [processOptions.workingFolder, { ssd: ON_ITS_DISK }],
  [
    clusterOptions.restToken,
    { required: 'where rest.bind-address is beyond loopback and clients show no certificate' },
  ],
  [securityOptions.internalKeystore, { required: 'with security.ssl.internal.enabled' }],
  [securityOptions.internalTruststore, { required: 'with security.ssl.internal.enabled' }],
];

export const EXPLAIN_TEXTS: ReadonlyMap<string, ExplainText> = new Map(texts.map(([{ key }, text]) => [key, text]));
