import { formatDuration } from '../../common/duration.ts';
import { highAvailabilityOptions } from '../options/high-availability-options.ts';
import { zooKeeperOptions } from '../options/zookeeper-options.ts';
import type { CheckFacts, EnsembleServer, ServerSettings } from './check-facts.ts';
import { type Finding, originOf, valueOf } from './finding.ts';

const { type } = highAvailabilityOptions;
const { quorum: zooKeeperQuorum, sessionTimeout: zooKeeperSessionTimeout } = zooKeeperOptions;

/** ZooKeeper grants two to twenty ticks unless it is told otherwise. */
const TICKS_MIN = 2;
const TICKS_MAX = 20;

/** Of a server that is named when it is known of which servers the same is to be said. */
type ServerFinding = (servers: string) => Finding;

/** Whether the servers grant the session timeout, and notice before it ends that they are cut off. */
export const tickFindings = ({ configuration, ensemble }: CheckFacts): readonly Finding[] => {
  if (valueOf(configuration, type) !== 'zookeeper') {
    return [];
  }
  const timeoutMs = valueOf(configuration, zooKeeperSessionTimeout);
  const quorum = originOf(configuration, zooKeeperQuorum);
  const origin = originOf(configuration, zooKeeperSessionTimeout) ?? quorum;
  const found = ensemble.servers.flatMap((server) =>
    [
      ...timeoutFindings(server, timeoutMs, origin),
      ...syncFindings(server, timeoutMs, origin),
      ...notAskedFindings(server, quorum),
    ].map((finding) => ({ server, finding })),
  );
  const same = Map.groupBy(found, ({ finding }) => JSON.stringify(finding('')));
  return [...same.values()].flatMap((each) => {
    const names = each.map(({ server }) => nameOf(server)).join(', ');
    return each.slice(0, 1).map(({ finding }) => finding(names));
  });
};

const nameOf = ({ host, port }: EnsembleServer): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** What a server grants: by its own limits, else what it granted when it was asked for a session. */
const grantedOf = ({ answer }: EnsembleServer, timeoutMs: number): number | undefined => {
  if (answer?.settings === undefined) {
    return answer?.grantedTimeoutMs;
  }
  const { minMs, maxMs } = limitsOf(answer.settings);
  return Math.min(Math.max(timeoutMs, minMs), maxMs);
};

const limitsOf = (settings: ServerSettings): { readonly minMs: number; readonly maxMs: number } => ({
  minMs: settings.minSessionTimeoutMs > 0 ? settings.minSessionTimeoutMs : settings.tickTimeMs * TICKS_MIN,
  maxMs: settings.maxSessionTimeoutMs > 0 ? settings.maxSessionTimeoutMs : settings.tickTimeMs * TICKS_MAX,
});

const timeoutFindings = (
  server: EnsembleServer,
  timeoutMs: number,
  origin: string | undefined,
): readonly ServerFinding[] => {
  const grantedMs = grantedOf(server, timeoutMs);
  if (grantedMs === undefined || grantedMs === timeoutMs) {
    return [];
  }
  const settings = server.answer?.settings;
  const ticks = settings === undefined ? '' : ` (tickTime ${settings.tickTimeMs})`;
  const asked = `${zooKeeperSessionTimeout.key} is ${formatDuration(timeoutMs)}`;
  const granted = formatDuration(grantedMs);
  const write = `set ${zooKeeperSessionTimeout.key}: ${granted}, or`;
  return grantedMs > timeoutMs
    ? [
        (servers) => ({
          code: 'SESSION_TIMEOUT_TOO_SHORT',
          level: 'risk',
          message: `${asked}, but ZooKeeper (${servers})${ticks} grants no less than ${granted}: a lost leader is replaced later than that`,
          origin,
          wayOut: `${write} a smaller tickTime or minSessionTimeout on the servers`,
        }),
      ]
    : [
        (servers) => ({
          code: 'SESSION_TIMEOUT_TOO_LONG',
          level: 'risk',
          message: `${asked}, but ZooKeeper (${servers})${ticks} grants no more than ${granted}: a leader that pauses is replaced sooner than that`,
          origin,
          wayOut: `${write} a larger tickTime or maxSessionTimeout on the servers`,
        }),
      ];
};

/** A server that is cut off from its ensemble goes on answering for that long. */
const syncFindings = (
  server: EnsembleServer,
  timeoutMs: number,
  origin: string | undefined,
): readonly ServerFinding[] => {
  const settings = server.answer?.settings;
  const grantedMs = grantedOf(server, timeoutMs);
  if (settings?.syncLimit === undefined || grantedMs === undefined) {
    return [];
  }
  const { syncLimit, tickTimeMs } = settings;
  if (syncLimit * tickTimeMs <= grantedMs) {
    return [];
  }
  return [
    (servers) => ({
      code: 'SYNC_LIMIT_ABOVE_SESSION_TIMEOUT',
      level: 'risk',
      message:
        `syncLimit * tickTime of ZooKeeper (${servers}) is ${formatDuration(syncLimit * tickTimeMs)}, the session timeout ` +
        `${formatDuration(grantedMs)}: a server that is cut off from the others still answers when they have ended the session of the leader`,
      origin,
      wayOut:
        `set syncLimit of the servers to ${Math.max(1, Math.floor(grantedMs / tickTimeMs))} or less, or ` +
        `${zooKeeperSessionTimeout.key}: ${formatDuration(syncLimit * tickTimeMs)}`,
    }),
  ];
};

const notAskedFindings = ({ answer }: EnsembleServer, origin: string | undefined): readonly ServerFinding[] => {
  const failure = answer?.failure;
  if (failure === undefined) {
    return [];
  }
  const isThere = answer?.mode !== undefined || answer?.grantedTimeoutMs !== undefined;
  return [
    (servers) => ({
      code: 'ZOOKEEPER_NOT_ASKED',
      level: 'hint',
      message: isThere
        ? `ZooKeeper (${servers}) does not say all that this check wants to know: ${failure}`
        : `ZooKeeper (${servers}) could not be asked: ${failure}`,
      origin,
      wayOut: isThere
        ? 'allow the question on the servers: 4lw.commands.whitelist=srvr,conf'
        : 'run the check on a machine that reaches them; --offline asks none',
    }),
  ];
};
