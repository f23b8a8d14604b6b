import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StartedCluster } from '../started-cluster.ts';

const REGISTER = pathToFileURL(join(import.meta.dirname, 'register.mjs')).href;

/** A drill that has to notice a sabotage. */
export interface Attempt {
  /** What is broken, in words. */
  readonly breaks: string;
  /** What the drill has to find, perhaps among other things; nothing where it has to stay green. */
  readonly finds?: string;
  readonly drill: readonly string[];
  readonly configuration?: Readonly<Record<string, string>>;
}

const killed = (whom: string, rounds: number, checkpoints = '500ms'): readonly string[] => [
  ...['--kill', whom, '--rounds', String(rounds), '--every', '1s', '--checkpoint-interval', checkpoints],
];

/** By the name of the sabotage. More rounds than one where the rule counts at some moments only. */
export const ATTEMPTS: Readonly<Record<string, Attempt>> = {
  'no-fencing': {
    breaks: 'nobody refuses a leader that was paused and replaced',
    finds: 'two-leaders',
    drill: ['--action', 'pause', '--pause-for', '5s', '--timeout', '10s', ...killed('leader', 1)],
    configuration: { 'high-availability.embedded.lease-duration': '2 s' },
  },
  'commit-before-pointer': {
    breaks: 'sinks commit before the checkpoint is complete',
    finds: 'doubled',
    drill: killed('taskmanager', 3, '1400ms'),
  },
  'split-twice': {
    breaks: 'a new leader hands out splits that are read already',
    finds: 'doubled',
    drill: killed('leader', 3),
  },
  'barrier-skipped': {
    breaks: 'a task takes its snapshot with the first barrier, not the last',
    finds: 'lost',
    drill: killed('taskmanager', 1),
  },
  'restart-on-takeover': {
    breaks: 'a new leader starts everything anew',
    finds: 'restarted',
    drill: killed('leader', 1),
  },
  'commit-repeated': { breaks: 'a commit is done twice', finds: 'doubled', drill: killed('taskmanager', 1) },
  'older-checkpoint': {
    breaks: 'a restore takes the checkpoint before the newest',
    finds: 'doubled',
    drill: killed('taskmanager', 2),
  },
  'abort-listed': {
    breaks: 'a restored sink drops what the checkpoint lists',
    finds: 'lost',
    drill: killed('taskmanager', 3, '1400ms'),
  },
  'terminal-forgotten': {
    breaks: 'a TaskManager forgets which tasks have ended',
    finds: 'restarted',
    drill: killed('leader', 1),
  },
  'ids-reused': {
    breaks: 'a new leader counts checkpoints from the beginning',
    finds: 'checkpoint-id',
    drill: ['--timeout', '15s', ...killed('leader', 1)],
  },
};

/** With the sabotage `slow`. The seed draws the leader, then a TaskManager. */
export const GREEN_ATTEMPT: Attempt = {
  breaks: 'nothing: only what makes the moments likely in which a broken rule counts',
  drill: ['--seed', '1', ...killed('random', 2)],
};

export const startSabotaged = (
  sabotage: string,
  { configuration = {} }: Attempt,
  isApart = false,
): Promise<StartedCluster> =>
  StartedCluster.start({
    jobManagers: 2,
    taskManagers: 2,
    configuration: { 'taskmanager.numberOfTaskSlots': '2', ...configuration },
    env: { MILLRACE_SABOTAGE: sabotage, NODE_OPTIONS: `--import=${REGISTER}` },
    isApart,
  });
