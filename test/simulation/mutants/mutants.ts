import { CHECKPOINT_MUTANTS } from './checkpoint-mutants.ts';
import { CLUSTER_MUTANTS } from './cluster-mutants.ts';
import { TASK_MUTANTS } from './task-mutants.ts';
import type { Mutant } from './mutant.ts';
import { ZOOKEEPER_MUTANTS } from './zookeeper-mutants.ts';

/** A simulation that does not notice one of them has not looked. */
export const MUTANTS: Readonly<Record<string, Mutant>> = {
  ...CLUSTER_MUTANTS,
  ...TASK_MUTANTS,
  ...ZOOKEEPER_MUTANTS,
  ...CHECKPOINT_MUTANTS,
};
