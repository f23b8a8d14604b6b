import { alignedLines } from '../aligned-lines.ts';
import type { StandbyState } from '../../../runtime/protocol/standbys.ts';
import {
  healthOf,
  type EnsembleServer,
  type HaEnsemble,
  type HaHealth,
  type HaJob,
  type HaStatus,
} from './ha-status.ts';

/** The status for people. */
export const haStatusLines = (status: HaStatus): readonly string[] => [
  HEADLINES[healthOf(status)],
  `high-availability.type: ${status.type}, high-availability.cluster-id: ${status.clusterId}`,
  ...leaderLines(status),
  ...standbyLines(status),
  ...jobLines(status),
  ...(status.ensemble === undefined ? [] : ensembleLines(status.ensemble)),
];

const HEADLINES: Readonly<Record<HaHealth, string>> = {
  healthy: 'High availability works',
  'at-risk': 'High availability works, and one more failure stops it',
  'no-leader': 'Nobody leads',
  'not-known': 'Not known whether high availability works',
};

const leaderLines = ({ obstacle, leader, leaderObstacle }: HaStatus): readonly string[] => {
  if (obstacle !== undefined) {
    return [`HA store: ${obstacle}`];
  }
  if (leader === undefined) {
    return ['HA store: answers', 'leader: none; an election takes some seconds, the logs of the JobManagers say more'];
  }
  const { restAddress, epoch, grantedAtMs, falseAlarms } = leader;
  const since = new Date(grantedAtMs).toISOString();
  const alarms = falseAlarms === 0 ? '' : `, suspected while they lived in this store: ${falseAlarms}`;
  return [
    'HA store: answers',
    `leader: ${restAddress}, epoch ${epoch}, since ${since}${alarms}`,
    ...(leaderObstacle === undefined ? [] : [`the leader does not answer: ${leaderObstacle}`]),
  ];
};

const standbyLines = ({ leader, standbys }: HaStatus): readonly string[] => {
  if (leader === undefined || standbys === undefined) {
    return [];
  }
  return standbys.length === 0
    ? ['standby: none; when the leader dies nobody leads until it, or another JobManager, is started']
    : standbys.map(({ rpcAddress, restAddress, state }) => `standby: ${restAddress || rpcAddress}, ${warmth(state)}`);
};

const warmth = (state: StandbyState | undefined): string => {
  if (state?.jobs === undefined) {
    return 'cold: it has not read ahead yet';
  }
  const read = `${counted(state.jobs, 'job')} read ahead${state.isCurrent ? '' : ', reading on'}`;
  return state.hasRehearsed ? `warm: ${read}, takeover practised` : `${read}, takeover not practised yet`;
};

const jobLines = ({ jobs, orphans }: HaStatus): readonly string[] => [
  ...(jobs === undefined
    ? []
    : jobs.length === 0
      ? ['jobs: none']
      : alignedLines([['Job', 'Name', 'Newest checkpoint', 'Where'], ...jobs.map(jobRow)])),
  ...(orphans?.obstacle === undefined ? [] : [`files that nothing points to: ${orphans.obstacle}`]),
  ...(orphans?.paths ?? []).map(
    (path) => `nothing points to ${path}: a submission left it that failed, or is under way`,
  ),
];

const jobRow = ({ jobId, jobName, checkpoint }: HaJob): readonly string[] => [
  jobId,
  jobName ?? '? (what the store has of it cannot be read)',
  checkpoint === undefined ? 'none' : `${checkpoint.id}${checkpoint.kind === 'savepoint' ? ' (savepoint)' : ''}`,
  checkpoint?.path ?? '-',
];

/** An ensemble for people. */
export const ensembleLines = (ensemble: HaEnsemble): readonly string[] => {
  const { servers, voters, quorum, serving, problems } = ensemble;
  const header = ['Server', 'Mode', 'Latency ms min/avg/max', 'Connections', 'Znodes', 'Zxid', 'Behind', 'Version'];
  return [
    `ZooKeeper ensemble: ${counted(voters, 'server')}, quorum ${quorum}, ${serving} of them ${serving === 1 ? 'serves' : 'serve'}; ${outlook(ensemble)}`,
    ...alignedLines([header, ...servers.map(rowOf)]),
    ...servers.flatMap(({ address, detail }) => (detail === undefined ? [] : [`${address}: ${detail}`])),
    ...problems,
    ...(voters % 2 === 0
      ? [`${voters} servers bear no more failures than ${voters - 1}: an odd number is cheaper`]
      : []),
  ];
};

const outlook = ({ state, leader, mayFail, quorum, serving, unasked }: HaEnsemble): string => {
  switch (state) {
    case 'works':
      return `${leader ?? ''} leads, ${unasked > 0 ? 'at least ' : ''}${mayFail} more may fail`;
    case 'no-leader':
      return serving < quorum ? `no leader: ${quorum - serving} more have to serve` : 'no leader now';
    case 'not-known':
      return 'who leads is not known';
  }
};

const rowOf = ({ address, mode, ...figures }: EnsembleServer): readonly string[] => {
  const { latencyMs, connections, znodes, zxid, behind, version } = figures;
  const latency = latencyMs === undefined ? undefined : `${latencyMs.min}/${latencyMs.avg.toFixed(1)}/${latencyMs.max}`;
  return [address, mode, ...[latency, connections, znodes, zxid, behind, version].map((each) => String(each ?? '-'))];
};

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
