import { isIP } from 'node:net';
import type {
  ProbeOutcome,
  ProbeTarget,
  Reachability,
  ReachableProcess,
} from '../../../runtime/protocol/reachability.ts';

/** Who tried which ports. */
export interface PortCheck {
  /** For people. */
  readonly from: string;
  /** See `ProbeReply`; `undefined`: not known. */
  readonly network: string | undefined;
  /** Why nothing was tried. */
  readonly failure?: string | undefined;
  readonly tried: readonly { readonly target: ProbeTarget; readonly outcome: ProbeOutcome }[];
}

export interface ReachabilityTable {
  readonly rows: readonly (readonly string[])[];
  /** Rows that are no success. */
  readonly problems: number;
}

export const TABLE_HEADER = ['From', 'To', 'Port', 'Address', 'Result'] as const;
const REACHED = 'ok';

/** A line for each port of each process as each place sees it; the data ports of a process with the same result share one. */
export const reachabilityTable = (
  processes: readonly ReachableProcess[],
  checks: readonly PortCheck[],
): ReachabilityTable => {
  const byId = new Map(processes.map((process) => [process.instanceId, process]));
  const rows = checks.flatMap((check) =>
    check.failure === undefined
      ? rowsOf(check, byId)
      : [[check.from, '-', '-', '-', `it cannot be asked: ${check.failure}`]],
  );
  return { rows, problems: rows.filter((row) => row.at(-1) !== REACHED).length };
};

/** `taskmanager tm-1`. */
export const processName = ({ role, name }: ReachableProcess): string => `${role} ${name}`;

export const checksOf = ({ processes, checks }: Reachability): readonly PortCheck[] =>
  checks.map(({ from, failure, tried }) => {
    const process = processes.find(({ instanceId }) => instanceId === from);
    return {
      from: process === undefined ? from : processName(process),
      network: process?.network,
      failure,
      tried,
    };
  });

const rowsOf = (check: PortCheck, byId: ReadonlyMap<string, ReachableProcess>): readonly (readonly string[])[] => {
  const groups = new Map<string, { readonly row: readonly string[]; more: number }>();
  for (const { target, outcome } of check.tried) {
    const to = byId.get(target.instanceId);
    const name = to === undefined ? target.instanceId : processName(to);
    const result = describe(target, outcome, { from: check.network, to });
    const key = target.port === 'data' ? JSON.stringify([name, result]) : JSON.stringify([name, target]);
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { row: [check.from, name, target.port, target.address, result], more: 0 });
    } else {
      group.more++;
    }
  }
  return [...groups.values()].map(({ row, more }) =>
    more === 0 ? row : row.with(3, `${row[3] ?? ''} and ${more} more`),
  );
};

interface Ends {
  readonly from: string | undefined;
  readonly to: ReachableProcess | undefined;
}

const describe = (target: ProbeTarget, outcome: ProbeOutcome, ends: Ends): string => {
  const { from, to } = ends;
  const host = hostOf(target);
  const key = keyOf(target, to);
  if (isWildcard(host)) {
    return `the address it gives to others is ${host}, which means another host on each; set ${key}`;
  }
  const isElsewhere = from !== undefined && to?.network !== undefined && from !== to.network;
  if (isLoopback(host) && isElsewhere) {
    return `the address it gives to others is loopback, and it is on another host; set ${key}`;
  }
  return outcome.problem === undefined ? REACHED : `${TEXTS[outcome.problem](target)}${detailOf(outcome)}`;
};

const TEXTS: Readonly<Record<NonNullable<ProbeOutcome['problem']>, (target: ProbeTarget) => string>> = {
  refused: () => 'refused: nothing listens there',
  timeout: () => 'no answer: a firewall drops what is sent, or the host is down',
  'no-route': () => 'no way there: the host is down, or in another network',
  'unknown-host': (target) => `the name ${hostOf(target)} is not known`,
  tls: () => 'TLS refused',
  'other-cluster': () => 'another cluster',
  'other-process': () => 'another process is there',
  'other-version': () => 'another version',
  'no-answer': () => 'no answer that is understood',
};

/** Where the reason says more than its kind does. */
const detailOf = ({ problem, detail }: ProbeOutcome): string =>
  detail === undefined || problem === 'refused' || problem === 'timeout' || problem === 'unknown-host'
    ? ''
    : `: ${detail}`;

const keyOf = ({ port }: ProbeTarget, to: ReachableProcess | undefined): string => {
  if (port === 'rest') {
    return 'rest.address';
  }
  return to?.role === 'jobmanager' ? 'jobmanager.rpc.address' : 'taskmanager.host';
};

const hostOf = ({ port, address }: ProbeTarget): string => {
  const url = port === 'rest' ? address : `http://${address}`;
  return URL.canParse(url) ? new URL(url).hostname.replaceAll(/^\[|\]$/g, '') : address;
};

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
