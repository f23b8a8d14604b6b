import type { AttemptRef } from '../../foundation/common/ids.ts';
import type { TaskDeployment } from '../protocol/task-commands.ts';

interface Owner {
  readonly job: AttemptRef['job'];
  readonly jobName: string;
}

/** Which job each slot is for: from its first task there until the job is released, or another one gets the slot. */
export class SlotOwners {
  readonly #owners = new Map<number, Owner>();

  /** Whether something of another job was in the slot before. */
  claim({ slot, attempt, jobName }: Pick<TaskDeployment, 'slot' | 'attempt' | 'jobName'>): boolean {
    const before = this.#owners.get(slot);
    this.#owners.set(slot, { job: attempt.job, jobName });
    return before !== undefined && before.job !== attempt.job;
  }

  /** The slots that the job had. */
  release(job: string): readonly number[] {
    const slots = [...this.#owners].flatMap(([slot, owner]) => (owner.job === job ? [slot] : []));
    slots.forEach((slot) => this.#owners.delete(slot));
    return slots;
  }

  /** All slots that were some job's. */
  releaseAll(): readonly number[] {
    const slots = [...this.#owners.keys()];
    this.#owners.clear();
    return slots;
  }

  /** Of the job that one of these slots is for; they are those of one thread, which runs one job. */
  jobNameOf(isOfThread: (slot: number) => boolean): string | undefined {
    return [...this.#owners].find(([slot]) => isOfThread(slot))?.[1].jobName;
  }
}
