import { dirname, join } from 'node:path';
import { present } from '../../foundation/common/assert.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { isSecret } from '../../foundation/config/option-registry.ts';
import { taskManagerOptions } from '../../foundation/config/options/taskmanager-options.ts';
import { secretsOf } from '../../foundation/config/secrets-of.ts';
import type { ProcessRecord } from './cluster-folder.ts';
import type { PlannedProcess } from './cluster-plan.ts';

export interface AdditionsPlan {
  readonly taskManagers: readonly PlannedProcess[];
  /** Values that no list of processes may show. */
  readonly env: Readonly<Record<string, string>>;
  /** Nothing says what each may take: each counts with all of the machine. */
  readonly isMemoryUnshared: boolean;
}

/**
 * TaskManagers for a cluster that runs: with what its first JobManager was started with, which all of its processes have in common, and
 * over that `configuration`. `records`: of its processes, a JobManager among them; `names`: nobody else's.
 */
export const planAdditions = (
  records: readonly ProcessRecord[],
  names: readonly string[],
  configuration: Configuration,
): AdditionsPlan => {
  // TaskManagers may have come later, with options of their own.
  const model = present(
    records.find(({ kind }) => kind === 'jobmanager'),
    'a JobManager of the cluster',
  );
  const common = commonArgs(model.args.slice(1));
  // Under current keys: of two names of an option, set in two places, only the one that counts.
  const given = Object.entries(configuration.toRecord());
  const own = given.filter(([key]) => !isSecret(key)).flatMap(([key, value]) => ['-D', `${key}=${value}`]);
  const { processMemory, taskHeap, taskOffHeap } = taskManagerOptions;
  return {
    taskManagers: names.map((name): PlannedProcess => ({
      name,
      kind: 'taskmanager',
      log: join(dirname(model.log), `${name}.log`),
      args: ['taskmanager', ...common, ...own, '-D', `taskmanager.resource-id=${name}`],
    })),
    env: secretsOf(configuration),
    isMemoryUnshared: ![processMemory, taskHeap, taskOffHeap].some(({ key }) =>
      [...common, ...own].some((arg) => arg.startsWith(`${key}=`)),
    ),
  };
};

/** Without what only a JobManager has. */
const commonArgs = (args: readonly string[]): readonly string[] =>
  args.filter(
    (arg, index) => !IS_OWN.test(arg) && arg !== '--insecure' && !(arg === '-D' && IS_OWN.test(args[index + 1] ?? '')),
  );

const IS_OWN = /^(?:jobmanager\.resource-id|rest\.bind-port)=/;
