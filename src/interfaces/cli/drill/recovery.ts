import type { ClusterProcess } from '../local-cluster.ts';
import type { ClusterWatch } from './cluster-watch.ts';

export interface Wanted {
  /** A checkpoint that was triggered after it is complete. */
  readonly sinceMs: number;
  /** Answers count that were asked for after it: everybody who was hit is back by then. */
  readonly aliveSinceMs: number;
}

export interface Seen {
  readonly processes: readonly ClusterProcess[];
  readonly watch: Pick<ClusterWatch, 'epoch' | 'leader' | 'probe' | 'checkpoints' | 'answerOf' | 'nameOf'>;
  /** How many have to be registered. */
  readonly taskManagers: number;
}

/** What keeps the cluster from being as it was before, for people; nothing: it has recovered. */
export const missingFor = (wanted: Wanted, seen: Seen): readonly string[] => [
  ...seen.processes.filter(({ isAlive }) => !isAlive).map(({ name }) => `${name} is dead`),
  ...leadership(wanted, seen),
  ...probe(wanted, seen),
];

const leadership = ({ aliveSinceMs }: Wanted, { processes, watch, taskManagers }: Seen): readonly string[] =>
  processes
    .filter(({ kind, isAlive }) => kind === 'jobmanager' && isAlive)
    .flatMap(({ name, restPort }) => {
      const answer = watch.answerOf(name);
      if (answer === undefined || answer.askedMs < aliveSinceMs) {
        return [`${name} does not answer, or nobody leads it`];
      }
      const { epoch, leaderPort } = answer;
      if (epoch !== watch.epoch || (leaderPort === restPort) !== (watch.leader === name)) {
        const named = leaderPort === restPort ? 'itself' : watch.nameOf(leaderPort);
        return [
          `${name} takes ${named} for the leader, in epoch ${epoch}, while ${watch.leader} leads in epoch ${watch.epoch}`,
        ];
      }
      return answer.taskManagers < taskManagers
        ? [`${answer.taskManagers} of ${taskManagers} TaskManagers are registered`]
        : [];
    })
    .filter((text, index, all) => all.indexOf(text) === index);

const probe = ({ sinceMs }: Wanted, { watch }: Seen): readonly string[] => {
  const view = watch.probe;
  if (view?.isRunning !== true) {
    const waiting = view === undefined || view.waiting === '' ? '' : `, and waits: ${view.waiting}`;
    return [`the probe job does not run (${view?.state ?? 'nobody knows its state'})${waiting}`];
  }
  return watch.checkpoints.some(({ triggeredMs }) => triggeredMs >= sinceMs)
    ? []
    : ['no checkpoint of the probe job was completed'];
};
