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

/** What keeps the cluster from being as it was before. */
export interface Missing {
  readonly kind: 'not-recovered' | 'two-leaders';
  readonly text: string;
}

/** Nothing: it has recovered. */
export const missingFor = (wanted: Wanted, seen: Seen): readonly Missing[] => [
  ...seen.processes.filter(({ isAlive }) => !isAlive).map(({ name }) => notYet(`${name} is dead`)),
  ...leadership(wanted, seen),
  ...probe(wanted, seen),
];

const notYet = (text: string): Missing => ({ kind: 'not-recovered', text });

const leadership = ({ aliveSinceMs }: Wanted, { processes, watch, taskManagers }: Seen): readonly Missing[] =>
  processes
    .filter(({ kind, isAlive }) => kind === 'jobmanager' && isAlive)
    .flatMap(({ name, restPort }) => {
      const answer = watch.answerOf(name);
      if (answer === undefined || answer.askedMs < aliveSinceMs) {
        return [notYet(`${name} does not answer, or nobody leads it`)];
      }
      const { epoch, leaderPort } = answer;
      if (epoch !== watch.epoch || (leaderPort === restPort) !== (watch.leader === name)) {
        const leads = leaderPort === restPort;
        const named = leads ? 'itself' : watch.nameOf(leaderPort);
        const text = `${name} takes ${named} for the leader, in epoch ${epoch}, while ${watch.leader} leads in epoch ${watch.epoch}`;
        return [{ kind: leads ? ('two-leaders' as const) : ('not-recovered' as const), text }];
      }
      return answer.taskManagers < taskManagers
        ? [notYet(`${answer.taskManagers} of ${taskManagers} TaskManagers are registered`)]
        : [];
    })
    .filter(({ text }, index, all) => all.findIndex((other) => other.text === text) === index);

const probe = ({ sinceMs }: Wanted, { watch }: Seen): readonly Missing[] => {
  const view = watch.probe;
  if (view?.isRunning !== true) {
    const waiting = view === undefined || view.waiting === '' ? '' : `, and waits: ${view.waiting}`;
    return [notYet(`the probe job does not run (${view?.state ?? 'nobody knows its state'})${waiting}`)];
  }
  return watch.checkpoints.some(({ triggeredMs }) => triggeredMs >= sinceMs)
    ? []
    : [notYet('no checkpoint of the probe job was completed')];
};
