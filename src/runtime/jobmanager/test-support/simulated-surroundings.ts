import type { Random } from '../../../foundation/common/random.ts';
import type { CheckpointTrigger, TaskReport } from '../../protocol/task-commands.ts';
import type { SimulatedFiles } from './simulated-stores.ts';

export interface SimulatedSplit {
  readonly id: string;
  readonly next: number;
  readonly count: number;
}

export type Element =
  | { readonly kind: 'record'; readonly value: string }
  | { readonly kind: 'barrier'; readonly trigger: CheckpointTrigger }
  | { readonly kind: 'end' };

export interface Transaction {
  readonly name: string;
  readonly checkpointId: number;
  readonly values: readonly string[];
}

export interface TaskMemory {
  readonly splits: readonly SimulatedSplit[];
  readonly prepared: readonly Transaction[];
}

export interface TaskSurroundings {
  readonly random: Random;
  readonly files: SimulatedFiles;
  readonly checkpointing: boolean;
  report(report: TaskReport): void;
  send(channel: number, element: Element): void;
  /** Makes the records of a transaction visible, once for each name. */
  commit(name: string, values: readonly string[]): void;
  fault(probability: number): boolean;
}
