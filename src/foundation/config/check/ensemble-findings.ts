import { highAvailabilityOptions } from '../options/high-availability-options.ts';
import { zooKeeperOptions } from '../options/zookeeper-options.ts';
import { type CheckFacts, isSameHost, type EnsembleFacts } from './check-facts.ts';
import { type Finding, originOf, valueOf } from './finding.ts';

const { type } = highAvailabilityOptions;
const { quorum: zooKeeperQuorum } = zooKeeperOptions;

/** How many ZooKeeper servers there are, and where. */
export const ensembleFindings = (facts: CheckFacts): readonly Finding[] =>
  valueOf(facts.configuration, type) === 'zookeeper' && facts.ensemble.servers.length > 0
    ? [...countFindings(facts), ...hostFindings(facts)]
    : [];

/** What the servers say of themselves counts: one name may stand for several of them. */
const votersOf = ({ servers }: EnsembleFacts): number | undefined => {
  const answers = servers.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  const voters = answers.flatMap(({ settings }) => settings?.voters ?? []);
  if (voters.length > 0) {
    return Math.max(...voters);
  }
  const isPartOfMore = answers.some(({ mode }) => mode !== undefined && mode !== 'standalone');
  return servers.length === 1 && isPartOfMore ? undefined : servers.length;
};

const countFindings = ({ configuration, ensemble }: CheckFacts): readonly Finding[] => {
  const count = votersOf(ensemble);
  const origin = originOf(configuration, zooKeeperQuorum);
  if (count === 1) {
    return [
      {
        code: 'ZOOKEEPER_ONE_SERVER',
        level: 'risk',
        message: 'ZooKeeper is one server: while it is away no JobManager can take over',
        origin,
        wayOut:
          'run three on three machines, of which one may fail (one is enough where several stand behind the name)',
      },
    ];
  }
  if (count === undefined || count % 2 === 1) {
    return [];
  }
  const majority = count / 2 + 1;
  const mayFail = count - majority;
  return [
    {
      code: 'ZOOKEEPER_EVEN_SERVERS',
      level: mayFail === 0 ? 'risk' : 'hint',
      message:
        `ZooKeeper has ${count} servers: ${majority} of them have to be there, so ${mayFail === 0 ? 'none' : mayFail} may fail, ` +
        `no more than of ${count - 1}`,
      origin,
      wayOut: `run ${count + 1}, of which ${mayFail + 1} may fail${mayFail === 0 ? '' : `, or ${count - 1}, which are as safe`}`,
    },
  ];
};

const hostFindings = ({
  configuration,
  ensemble,
  jobManagers = [],
  taskManagers = [],
}: CheckFacts): readonly Finding[] => {
  const roles = [
    ...jobManagers.map(({ host }) => ({ host, role: 'JobManager' })),
    ...taskManagers.map(({ host }) => ({ host, role: 'TaskManager' })),
  ];
  const shared = new Map<string, Set<string>>();
  for (const server of ensemble.servers) {
    for (const { host, role } of roles.filter((each) => isSameHost(each.host, server.host))) {
      shared.set(host, (shared.get(host) ?? new Set()).add(role));
    }
  }
  return [...shared].map(([host, found]) => ({
    code: 'ZOOKEEPER_BESIDE_PROCESS',
    level: 'risk',
    message:
      `a ZooKeeper server runs on ${host}, which also has a ${[...found].join(' and a ')}: they fail together, and a busy job ` +
      "slows ZooKeeper's disk and pings",
    origin: originOf(configuration, zooKeeperQuorum),
    wayOut: 'give ZooKeeper machines, pods or containers of its own (1 CPU, 1 to 2 GB each)',
  }));
};
