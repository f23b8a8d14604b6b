import { Configuration } from '../../configuration.ts';
import { parseFlatConfig } from '../../flat-config.ts';
import type { CheckFacts } from '../check-facts.ts';
import type { Setup } from './check-setup.ts';

/** As they are gathered of such files. */
export const factsOf = ({
  config = [],
  masters,
  workers,
  servers = [],
  quorumProblem,
  places = {},
  manifests = [],
}: Setup): CheckFacts => ({
  configuration: Configuration.empty.with(parseFlatConfig(config.join('\n'), 'conf/flink-conf.yaml').entries),
  jobManagers: masters?.map((line, at) => ({ host: line.replace(/:\d+$/, ''), origin: `conf/masters:${at + 1}` })),
  taskManagers: workers?.map((host, at) => ({ host, origin: `conf/workers:${at + 1}` })),
  ensemble: {
    servers: servers.map(([name, answer]) => {
      const [host = '', port] = name.split(':');
      const silent = { failure: undefined, mode: undefined, settings: undefined, grantedTimeoutMs: undefined };
      return { host, port: Number(port), answer: answer && { ...silent, ...answer } };
    }),
    problem: quorumProblem,
  },
  places: new Map(Object.entries(places)),
  manifests: manifests.map((text, at) => ({ name: `manifest-${at}.yaml`, text })),
});
