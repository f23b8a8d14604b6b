import { alignedLines } from '../aligned-lines.ts';
import type { ClusterProcess } from '../local-cluster.ts';
import type { PlannedRound } from './drill-plan.ts';
import type { DrillAction, DrillRequest } from './drill-request.ts';
import { cutLimitMs } from './drill-rounds.ts';
import type { DrillTarget } from './drill-target.ts';

export interface DryRun {
  readonly request: DrillRequest;
  readonly target: DrillTarget;
  readonly planned: readonly PlannedRound[];
  readonly parallelism: number;
}

const ROUNDS_SHOWN = 50;

/** What a drill with these options would do, as things stand now. */
export const dryRunLines = ({ request, target, planned, parallelism }: DryRun): readonly string[] => {
  const { field, untouchable, jobs, isSupervised } = target;
  const rounds = planned.slice(0, ROUNDS_SHOWN).map(({ round, action, role }) => {
    const who = candidates(role, target).map(({ name, pid }) => `${name} (pid ${pid})`);
    return [`round ${round}`, DONE[action], role, `now ${who.join(' or ')}`];
  });
  return [
    `Nothing is done. A drill with these options and --seed ${request.seed} would, in the cluster of ${target.cluster.folder}:`,
    `submit the probe job with parallelism ${parallelism}, a checkpoint each ${request.checkpointIntervalMs} ms; write to ${target.cluster.folder}/drill`,
    `wait ${request.everyMs / 1000} s, then every ${request.everyMs / 1000} s or when everything runs again:`,
    ...alignedLines(rounds).map((line) => `  ${line}`),
    ...(planned.length > ROUNDS_SHOWN ? [`  ... ${planned.length} rounds in all`] : []),
    `after each: ${again(request, isSupervised)}; everything has to run again within ${request.recoveryMs / 1000} s`,
    `then end the probe job, count its records, remove its files`,
    `It would touch no process but ${[...field.jobManagers, ...field.taskManagers].map(({ name, pid }) => `${name} (pid ${pid})`).join(', ')}.`,
    ...cutLines(request, planned, target),
    ...(untouchable.length === 0
      ? []
      : [
          `It cannot touch ${untouchable.join(', ')}: not started by this folder's "cluster start", or on another machine.`,
        ]),
    ...(jobs.length === 0
      ? []
      : [
          `Disturbed would be, and --yes is needed for: ${jobs.map(({ jobName, jobId }) => `${jobName} (${jobId})`).join(', ')}.`,
        ]),
  ];
};

const DONE: Readonly<Record<DrillAction, string>> = { kill: 'SIGKILL', pause: 'SIGSTOP', cut: 'cut off' };

const again = ({ actions, pauseMs }: DrillRequest, isSupervised: boolean): string => {
  const after = `after ${pauseMs / 1000} s`;
  const ways: Readonly<Record<DrillAction, string>> = {
    kill: isSupervised ? 'the supervisor starts it again' : 'it is started again as "cluster start" did',
    pause: `SIGCONT ${after}`,
    cut: `the cut ends ${after}`,
  };
  return actions.map((action) => ways[action]).join(', or ');
};

/** What would be done to the network, for one of the processes that may be drawn. */
const cutLines = (request: DrillRequest, planned: readonly PlannedRound[], target: DrillTarget): readonly string[] => {
  const { cuts } = target.cluster;
  const roles = planned.filter(({ action }) => action === 'cut').map(({ role }) => role);
  const [victim] = roles.flatMap((role) => candidates(role, target));
  return victim === undefined
    ? []
    : [
        `To cut off ${victim.name}, and others likewise, it would do as things stand now:`,
        ...cuts.preview(victim, cutLimitMs(request)).map((line) => `  ${line}`),
        `and to end that: ${cuts.undo}`,
      ];
};

const candidates = (role: PlannedRound['role'], { field, overview }: DrillTarget): readonly ClusterProcess[] => {
  const url = overview.leader['rest-address'];
  const leaderPort = URL.canParse(url) ? Number(new URL(url).port) : undefined;
  switch (role) {
    case 'leader':
      return field.jobManagers.filter(({ restPort }) => restPort === leaderPort);
    case 'standby':
      return field.jobManagers.filter(({ restPort }) => restPort !== leaderPort);
    case 'taskmanager':
      return field.taskManagers;
  }
};
