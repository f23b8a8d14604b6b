import type { Random } from '../../../foundation/common/random.ts';
import type { ClusterProcess } from '../local-cluster.ts';
import type { DrillAction, DrillRequest } from './drill-request.ts';

export type DrillRole = 'leader' | 'standby' | 'taskmanager';

export interface PlannedRound {
  /** From 1 on. */
  readonly round: number;
  readonly action: DrillAction;
  readonly role: DrillRole;
}

/** What there is to choose from. */
export interface DrillField {
  readonly jobManagers: readonly ClusterProcess[];
  readonly taskManagers: readonly ClusterProcess[];
}

export const drillField = (processes: readonly ClusterProcess[]): DrillField => ({
  jobManagers: processes.filter(({ kind }) => kind === 'jobmanager'),
  taskManagers: processes.filter(({ kind }) => kind === 'taskmanager'),
});

/** Who can be hit where the request leaves it open. */
export const rolesOf = ({ victim }: Pick<DrillRequest, 'victim'>, field: DrillField): readonly DrillRole[] => {
  const standby: readonly DrillRole[] = field.jobManagers.length > 1 ? ['standby'] : [];
  const taskManager: readonly DrillRole[] = field.taskManagers.length > 0 ? ['taskmanager'] : [];
  switch (victim) {
    case 'leader':
      return ['leader'];
    case 'standby':
      return standby;
    case 'taskmanager':
      return taskManager;
    case 'jobmanager':
      return ['leader', ...standby];
    case 'random':
      return ['leader', ...standby, ...taskManager];
  }
};

/** The same seed gives the same rounds. */
export const planRounds = (
  request: DrillRequest,
  roles: readonly DrillRole[],
  random: Random,
): readonly PlannedRound[] =>
  Array.from({ length: request.rounds }, (_, index) => ({
    round: index + 1,
    role: roles[random.int(roles.length)] ?? 'leader',
    action: drawn(request.actions, random),
  }));

/** Where there is no choice nothing is drawn. */
const drawn = (actions: readonly DrillAction[], random: Random): DrillAction =>
  (actions.length > 1 ? actions[random.int(actions.length)] : actions[0]) ?? 'kill';

export interface VictimChoice {
  readonly field: DrillField;
  /** Name of the JobManager that leads. */
  readonly leader: string | undefined;
  /** Process numbers that run a task of the probe: only the loss of these is felt. */
  readonly busyPids: ReadonlySet<number>;
}

/** Who is hit in this round; `undefined`: nobody has that role now. */
export const chooseVictim = (
  role: DrillRole,
  { field, leader, busyPids }: VictimChoice,
  random: Random,
): ClusterProcess | undefined => {
  const alive = candidates(role, field, leader).filter(({ isAlive }) => isAlive);
  const busy = alive.filter(({ pid }) => busyPids.has(pid));
  const choice = busy.length > 0 ? busy : alive;
  return choice[random.int(Math.max(1, choice.length))];
};

const candidates = (
  role: DrillRole,
  { jobManagers, taskManagers }: DrillField,
  leader: string | undefined,
): readonly ClusterProcess[] => {
  switch (role) {
    case 'leader':
      return jobManagers.filter(({ name }) => name === leader);
    case 'standby':
      return jobManagers.filter(({ name }) => name !== leader);
    case 'taskmanager':
      return taskManagers;
  }
};
