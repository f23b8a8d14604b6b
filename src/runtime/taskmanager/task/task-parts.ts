import type { TaskState } from '../../protocol/task-commands.ts';
import type { OperatorChain } from './operator-chain.ts';
import type { TaskInput } from './task-input.ts';
import type { TaskStateStore } from './task-state-store.ts';

/** What is built once the program is loaded and the state is restored. */
export interface TaskParts {
  readonly chain: OperatorChain;
  readonly input: TaskInput;
  readonly state: TaskStateStore;
  /** The task only commits what its restored state lists. */
  readonly commitOnly: boolean;
  /** Forgets the task's channels. */
  readonly release: () => void;
}

/** Closes everything, whatever fails on the way; outputs of a task that did not finish end early. */
export const closeParts = async (parts: TaskParts, state: TaskState): Promise<void> => {
  try {
    await parts.input.close();
  } finally {
    try {
      await parts.chain.close();
    } finally {
      if (state !== 'FINISHED') {
        for (const writer of parts.chain.writers) {
          writer.close();
        }
      }
      parts.release();
    }
  }
};
