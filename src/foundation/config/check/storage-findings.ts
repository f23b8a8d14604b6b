import type { Option } from '../option.ts';
import { checkpointingOptions } from '../options/checkpointing-options.ts';
import { highAvailabilityOptions } from '../options/high-availability-options.ts';
import { type CheckFacts, type PlaceKind, processHosts } from './check-facts.ts';
import { type Finding, originOf, valueOf } from './finding.ts';

const { type, storageDirectory } = highAvailabilityOptions;
const { directory } = checkpointingOptions;

/** Whether what must survive lies where it survives, and where all hosts see it. */
export const storageFindings = (facts: CheckFacts): readonly Finding[] => {
  const isHighlyAvailable = valueOf(facts.configuration, type) !== 'none';
  return [
    ...(isHighlyAvailable ? placeFindings(facts, storageDirectory, 'STORAGE_TEMPORARY', 'STORAGE_IN_MEMORY') : []),
    ...placeFindings(facts, directory, 'CHECKPOINTS_TEMPORARY', 'CHECKPOINTS_IN_MEMORY'),
    ...(isHighlyAvailable ? [storageDirectory, directory].flatMap((option) => sharedFindings(facts, option)) : []),
  ];
};

const placeFindings = (
  { configuration, places }: CheckFacts,
  option: Option<string | undefined>,
  ifTemporary: 'STORAGE_TEMPORARY' | 'CHECKPOINTS_TEMPORARY',
  ifMemory: 'STORAGE_IN_MEMORY' | 'CHECKPOINTS_IN_MEMORY',
): readonly Finding[] => {
  const place = valueOf(configuration, option);
  const origin = originOf(configuration, option);
  const wayOut = `name a folder on a disk that is kept, or on shared storage: ${option.key}`;
  switch (places.get(option.key)) {
    case 'temporary':
      return [
        {
          code: ifTemporary,
          level: 'risk',
          message: `${option.key} is ${place}, a folder for temporary files: a restart of the machine, or who tidies up, may empty it`,
          origin,
          wayOut,
        },
      ];
    case 'memory':
      return [
        {
          code: ifMemory,
          level: 'risk',
          message: `${option.key} is ${place}, which is in memory: a restart of the machine empties it, and it takes memory from the jobs`,
          origin,
          wayOut,
        },
      ];
    case 'unsupported':
      return [
        {
          code: 'PLACE_NOT_IN_THIS_VERSION',
          level: 'hint',
          message: `${option.key} is ${place}; this version cannot open places of that kind yet, and its processes will say so instead of starting`,
          origin,
          wayOut: 'until then name a folder of a file system that all hosts mount, such as NFS',
        },
      ];
    case 'unreadable':
      return [
        {
          code: 'BAD_VALUE',
          level: 'error',
          message: `${option.key} is ${place}, which names no folder`,
          origin,
          wayOut: 'write a path, or a URI such as file:///path',
        },
      ];
    default:
      return [];
  }
};

/** Kinds of places that other machines do not see. */
const IN_ONE_MACHINE: ReadonlySet<PlaceKind> = new Set<PlaceKind>(['memory', 'temporary', 'local']);

const sharedFindings = (facts: CheckFacts, option: Option<string | undefined>): readonly Finding[] => {
  const { configuration, places } = facts;
  const kind = places.get(option.key);
  const hosts = processHosts(facts) ?? [];
  if (hosts.length < 2 || kind === undefined || !IN_ONE_MACHINE.has(kind)) {
    return [];
  }
  return [
    {
      code: 'STORAGE_NOT_SHARED',
      level: 'risk',
      message:
        `${option.key} is ${valueOf(configuration, option)}, a folder of each machine by itself, and the cluster has ` +
        `${hosts.length} hosts (${shownHosts(hosts)}): none finds what another wrote`,
      origin: originOf(configuration, option),
      wayOut: 'name a place that all of them see: HDFS, S3, or a folder that is mounted on each (NFS, Ceph)',
    },
  ];
};

const SHOWN_HOSTS = 4;

const shownHosts = (hosts: readonly string[]): string =>
  hosts.length <= SHOWN_HOSTS ? hosts.join(', ') : `${hosts.slice(0, SHOWN_HOSTS).join(', ')}, ...`;
