import { checkpointingOptions } from '../options/checkpointing-options.ts';
import { executionOptions } from '../options/execution-options.ts';
import { highAvailabilityOptions } from '../options/high-availability-options.ts';
import { taskManagerOptions } from '../options/taskmanager-options.ts';
import type { CheckFacts } from './check-facts.ts';
import { type Finding, originOf, valueOf } from './finding.ts';

const { type } = highAvailabilityOptions;
const { interval } = checkpointingOptions;
/** More JobManagers than this only wait. */
const JOB_MANAGERS_USUAL = 3;

/** Whether there is somebody who takes over, and something to go on with. */
export const processFindings = (facts: CheckFacts): readonly Finding[] =>
  valueOf(facts.configuration, type) === 'none'
    ? []
    : [...checkpointFindings(facts), ...jobManagerFindings(facts), ...taskManagerFindings(facts)];

/** A hint, not a risk: a job may set the interval in its code. */
const checkpointFindings = ({ configuration }: CheckFacts): readonly Finding[] =>
  (valueOf(configuration, interval) ?? 0) > 0
    ? []
    : [
        {
          code: 'CHECKPOINTING_OFF',
          level: 'hint',
          message:
            `${interval.key} is not set: jobs whose code does not set it take no checkpoints, and lose their state with a TaskManager ` +
            '(not with the leader)',
          origin: originOf(configuration, interval) ?? originOf(configuration, type),
          wayOut: `set ${interval.key}, seconds to minutes, or see that each job does (env.enableCheckpointing)`,
        },
      ];

const jobManagerFindings = ({ jobManagers }: CheckFacts): readonly Finding[] => {
  const count = jobManagers?.length ?? 0;
  const origin = jobManagers?.[0]?.origin;
  if (count === 1) {
    return [
      {
        code: 'ONE_JOBMANAGER',
        level: 'risk',
        message: 'there is one JobManager: when it dies nobody leads until somebody has started it again',
        origin,
        wayOut: 'add one on another host: two or three are usual, odd or even does not matter',
      },
    ];
  }
  return count <= JOB_MANAGERS_USUAL
    ? []
    : [
        {
          code: 'MANY_JOBMANAGERS',
          level: 'hint',
          message: `there are ${count} JobManagers: one leads, and more than ${JOB_MANAGERS_USUAL} rarely help`,
          origin,
          wayOut: 'nothing needs to be done; two or three are enough',
        },
      ];
};

const taskManagerFindings = ({ configuration, taskManagers }: CheckFacts): readonly Finding[] => {
  const count = taskManagers?.length ?? 0;
  const origin = taskManagers?.[0]?.origin;
  if (count === 1) {
    return [
      {
        code: 'ONE_TASKMANAGER',
        level: 'risk',
        message: 'there is one TaskManager: when its host is lost no job runs until there is another',
        origin,
        wayOut: 'add one on another host, with slots enough for all jobs',
      },
    ];
  }
  const slots = valueOf(configuration, taskManagerOptions.slots);
  const parallelism = valueOf(configuration, executionOptions.parallelism);
  const left = (count - 1) * slots;
  return count === 0 || left >= parallelism
    ? []
    : [
        {
          code: 'NO_SPARE_SLOT',
          level: 'risk',
          message:
            `${count} TaskManagers with ${taskManagerOptions.slots.key} ${slots} have ${count * slots} slots, ${left} after the loss of ` +
            `one; a job of ${executionOptions.parallelism.key} ${parallelism} then waits`,
          origin: originOf(configuration, taskManagerOptions.slots) ?? origin,
          wayOut: `have ${Math.ceil(parallelism / slots) + 1} TaskManagers, or more slots on each`,
        },
      ];
};
