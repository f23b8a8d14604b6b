import { highAvailabilityOptions } from '../options/high-availability-options.ts';
import { zooKeeperOptions } from '../options/zookeeper-options.ts';
import type { CheckFacts } from './check-facts.ts';
import { type Finding, originOf, valueOf } from './finding.ts';

const { type, storageDirectory } = highAvailabilityOptions;
const {
  quorum: zooKeeperQuorum,
  acl: zooKeeperAcl,
  authorization,
  saslUsername,
  saslDisable,
  sslEnabled,
  sslKeystore,
} = zooKeeperOptions;

/** What HA cannot do without. */
export const haFindings = ({ configuration, ensemble }: CheckFacts): readonly Finding[] => {
  const findings: Finding[] = [];
  const kind = valueOf(configuration, type);
  const origin = originOf(configuration, type);
  const hasQuorum = (valueOf(configuration, zooKeeperQuorum) ?? '').trim() !== '';
  if (kind === 'zookeeper' && !hasQuorum) {
    findings.push({
      code: 'HA_WITHOUT_QUORUM',
      level: 'error',
      message: `${type.key} is zookeeper, but ${zooKeeperQuorum.key} is not set: no process starts`,
      origin,
      wayOut: `name the servers: ${zooKeeperQuorum.key}: zk1:2181,zk2:2181,zk3:2181`,
    });
  }
  if (kind !== 'none' && (valueOf(configuration, storageDirectory) ?? '').trim() === '') {
    findings.push({
      code: 'HA_WITHOUT_STORAGE_DIR',
      level: 'error',
      message: `${type.key} is ${kind}, but ${storageDirectory.key} is not set: no process starts`,
      origin,
      wayOut: `name a folder that every JobManager and TaskManager sees: ${storageDirectory.key}`,
    });
  }
  if (kind === 'none' && hasQuorum) {
    findings.push({
      code: 'QUORUM_WITHOUT_HA',
      level: 'risk',
      message: `${zooKeeperQuorum.key} is set, but ${type.key} is none: a JobManager that crashes ends its jobs`,
      origin: originOf(configuration, zooKeeperQuorum),
      wayOut: `set ${type.key}: zookeeper, or remove the quorum`,
    });
  }
  if (kind === 'zookeeper' && ensemble.problem !== undefined) {
    findings.push({
      code: 'BAD_QUORUM',
      level: 'error',
      message: `${zooKeeperQuorum.key} cannot be read: ${ensemble.problem}`,
      origin: originOf(configuration, zooKeeperQuorum),
      wayOut: 'write host:port for each server, divided by commas',
    });
  }
  return [...findings, ...aclFindings({ configuration })];
};

/** A password, credentials of a scheme, or a certificate. */
const hasIdentity = (configuration: CheckFacts['configuration']): boolean =>
  Object.keys(valueOf(configuration, authorization) ?? {}).length > 0 ||
  (valueOf(configuration, saslUsername) !== undefined && !valueOf(configuration, saslDisable)) ||
  (valueOf(configuration, sslEnabled) && valueOf(configuration, sslKeystore) !== undefined);

const aclFindings = ({ configuration }: Pick<CheckFacts, 'configuration'>): readonly Finding[] =>
  valueOf(configuration, type) === 'zookeeper' &&
  valueOf(configuration, zooKeeperAcl) === 'creator' &&
  !hasIdentity(configuration)
    ? [
        {
          code: 'ACL_WITHOUT_AUTHENTICATION',
          level: 'error',
          message: `${zooKeeperAcl.key} is creator, but nothing says who we are: no process starts`,
          origin: originOf(configuration, zooKeeperAcl),
          wayOut: `set ${authorization.key}.digest: user:password on every process, or ${saslUsername.key}, or a certificate in ${sslKeystore.key}, or ${zooKeeperAcl.key}: open`,
        },
      ]
    : [];
