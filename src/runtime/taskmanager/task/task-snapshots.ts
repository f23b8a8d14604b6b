import { errorInfo, messageOf } from '../../../foundation/common/errors.ts';
import type { AttemptId } from '../../../foundation/common/ids.ts';
import { checkpointId } from '../../../foundation/common/ids.ts';
import type { DiscardableTarget } from '../../checkpoint/checkpoint-target.ts';
import type { BarrierEvent } from '../../network/stream-element.ts';
import type { StateHandle, CheckpointTarget } from '../../state/state-handle.ts';
import type { SubtaskCopies } from '../local-state/subtask-copies.ts';
import type { TargetOptions, TaskEnvironment } from './task-environment.ts';
import type { PendingTaskSnapshot } from './task-state-store.ts';

interface Writing {
  readonly pending: PendingTaskSnapshot;
  readonly target: DiscardableTarget;
}

export interface TaskSnapshotsOptions {
  readonly attempt: AttemptId;
  readonly environment: TaskEnvironment;
  readonly copies?: SubtaskCopies | undefined;
  /** Of the job; missing: of the thread. */
  readonly inlineThresholdBytes?: number | undefined;
}

/** The asynchronous part of a task's snapshots: written while the task goes on, then acknowledged or declined. */
export class TaskSnapshots {
  readonly #attempt: AttemptId;
  readonly #environment: TaskEnvironment;
  readonly #target: TargetOptions;
  readonly #writing = new Map<number, Writing>();
  readonly #running = new Set<Promise<void>>();

  constructor({ attempt, environment, copies, inlineThresholdBytes }: TaskSnapshotsOptions) {
    this.#attempt = attempt;
    this.#environment = environment;
    this.#target = { tag: tagOf(attempt), copies, inlineThresholdBytes };
  }

  write(
    barrier: BarrierEvent,
    pending: PendingTaskSnapshot,
    times: { readonly alignmentMs: number; readonly syncMs: number; readonly final: boolean },
  ): void {
    let target: DiscardableTarget;
    try {
      target = this.#environment.openTarget(barrier, this.#target);
    } catch (thrown) {
      pending.cancel();
      this.#decline(barrier.checkpointId, thrown);
      return;
    }
    const writing = { pending, target };
    this.#writing.set(barrier.checkpointId, writing);
    const running = this.#run(barrier, writing, times).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Given up: what was written goes away, nothing is acknowledged. */
  cancel(isGivenUp: (checkpointId: number) => boolean): void {
    for (const [id, writing] of this.#writing) {
      if (isGivenUp(id)) {
        this.#writing.delete(id);
        writing.pending.cancel();
      }
    }
  }

  /** Resolves when nothing is written, and nothing of what was given up is deleted, any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  #decline(id: number, thrown: unknown): void {
    this.#environment.report({
      kind: 'decline',
      attempt: this.#attempt,
      checkpointId: checkpointId(id),
      error: errorInfo(thrown),
    });
  }

  async #run(
    barrier: BarrierEvent,
    writing: Writing,
    times: { readonly alignmentMs: number; readonly syncMs: number; readonly final: boolean },
  ): Promise<void> {
    const { clock, report, pause, logger } = this.#environment;
    const id = barrier.checkpointId;
    const startedMs = clock.monotonic();
    const counted = countingTarget(writing.target);
    try {
      const state = await writing.pending.write(counted, pause);
      if (this.#writing.get(id) !== writing) {
        await writing.target.discard();
        return;
      }
      this.#writing.delete(id);
      const asyncMs = clock.monotonic() - startedMs;
      const writtenBytes = counted.writtenBytes();
      if (barrier.checkpoint === 'checkpoint') {
        this.#target.copies?.acknowledged(id, state);
      }
      report({
        kind: 'acknowledge',
        attempt: this.#attempt,
        checkpointId: checkpointId(id),
        state,
        ...times,
        asyncMs,
        writtenBytes,
      });
    } catch (thrown) {
      if (this.#writing.get(id) === writing) {
        this.#writing.delete(id);
        this.#decline(id, thrown);
      }
      await writing.target
        .discard()
        .catch((error: unknown) => logger.warn(`left-over of checkpoint ${id}: ${messageOf(error)}`));
    }
  }
}

const tagOf = (attempt: AttemptId): string => {
  const [, , vertex, subtask, generation] = attempt.split('/');
  return `${vertex!.slice(0, 8)}-${subtask}-${generation}`;
};

const countingTarget = (target: CheckpointTarget): CheckpointTarget & { writtenBytes(): number } => {
  let written = 0;
  const size = (handle: StateHandle): number => (handle.kind === 'inline' ? handle.bytes.byteLength : handle.sizeBytes);
  return {
    writeState: async (scope, content, checksum) => {
      const handle = await target.writeState(scope, content, checksum);
      written += size(handle);
      return handle;
    },
    writtenBytes: () => written,
  };
};
