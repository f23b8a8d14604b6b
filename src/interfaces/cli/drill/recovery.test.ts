import { expect, test } from 'vitest';
import type { ClusterProcess } from '../local-cluster.ts';
import type { LeaderAnswer } from './cluster-watch.ts';
import { missingFor, type Seen } from './recovery.ts';

const processOf = (name: string, restPort: number | undefined, isAlive = true): ClusterProcess => ({
  name,
  kind: name.startsWith('job') ? 'jobmanager' : 'taskmanager',
  pid: 1,
  isAlive,
  restPort,
  restarts: 0,
  log: '',
});

const answer = (changes: Partial<LeaderAnswer> = {}): LeaderAnswer => ({
  epoch: 4,
  leaderPort: 2,
  taskManagers: 2,
  askedMs: 150,
  ...changes,
});

interface Case {
  readonly processes?: readonly ClusterProcess[];
  readonly answers?: Readonly<Record<string, LeaderAnswer>>;
  readonly watch?: Partial<Seen['watch']>;
}

const WELL = { 'jobmanager-1': answer(), 'jobmanager-2': answer() };

/** A finding of the usual kind is shown by its text alone. */
const reasons = (...args: Parameters<typeof missingFor>): readonly string[] =>
  missingFor(...args).map(({ kind, text }) => (kind === 'not-recovered' ? text : `${kind}: ${text}`));

const missing = ({ processes, answers = WELL, watch }: Case = {}): readonly string[] =>
  reasons(
    { sinceMs: 100, aliveSinceMs: 120 },
    {
      processes: processes ?? [
        processOf('jobmanager-1', 1),
        processOf('jobmanager-2', 2),
        processOf('taskmanager-1', undefined),
      ],
      taskManagers: 2,
      watch: {
        epoch: 4,
        leader: 'jobmanager-2',
        probe: { state: 'RUNNING', isRunning: true, waiting: '' },
        checkpoints: [{ id: 9, triggeredMs: 130, completedMs: 140 }],
        answerOf: (name) => answers[name],
        nameOf: (restPort) => `jobmanager-${restPort}`,
        ...watch,
      },
    },
  );

test('a cluster that is as before has nothing missing', () => {
  expect(missing()).toEqual([]);
});

test('says who is dead, who does not answer, and whose answer is too old to count', () => {
  expect(missing({ processes: [processOf('jobmanager-2', 2), processOf('taskmanager-1', undefined, false)] })).toEqual([
    'taskmanager-1 is dead',
  ]);
  expect(missing({ answers: { 'jobmanager-2': answer() } })).toEqual([
    'jobmanager-1 does not answer, or nobody leads it',
  ]);
  expect(missing({ answers: { ...WELL, 'jobmanager-1': answer({ askedMs: 110 }) } })).toEqual([
    'jobmanager-1 does not answer, or nobody leads it',
  ]);
});

test('a leader that was replaced and does not know it is named', () => {
  const deposed = answer({ epoch: 3, leaderPort: 1 });
  expect(missing({ answers: { ...WELL, 'jobmanager-1': deposed } })).toEqual([
    'two-leaders: jobmanager-1 takes itself for the leader, in epoch 3, while jobmanager-2 leads in epoch 4',
  ]);
  expect(missing({ answers: { ...WELL, 'jobmanager-1': answer({ leaderPort: 1 }) } })[0]).toMatch(/takes itself/);
});

test('TaskManagers, the probe and a checkpoint since then are waited for', () => {
  const few = answer({ taskManagers: 1 });
  expect(missing({ answers: { 'jobmanager-1': few, 'jobmanager-2': few } })).toEqual([
    '1 of 2 TaskManagers are registered',
  ]);
  expect(missing({ watch: { probe: { state: 'RESTARTING', isRunning: false, waiting: '1 slot' } } })).toEqual([
    'the probe job does not run (RESTARTING), and waits: 1 slot',
  ]);
  expect(missing({ watch: { checkpoints: [{ id: 9, triggeredMs: 99, completedMs: 140 }] } })).toEqual([
    'no checkpoint of the probe job was completed',
  ]);
});
