import type { BarrierEvent } from '../../network/stream-element.ts';

/** What the task has to do, in order. */
export type AlignerAction =
  | { readonly kind: 'block'; readonly channel: number }
  | { readonly kind: 'unblock-all' }
  /** Every channel has delivered the barrier: take the snapshot. */
  | { readonly kind: 'start'; readonly barrier: BarrierEvent; readonly alignedSinceMs: number }
  /** Given up: tell the tasks behind, and never acknowledge it. */
  | { readonly kind: 'cancel'; readonly checkpointId: number };

interface Alignment {
  readonly barrier: BarrierEvent;
  readonly sinceMs: number;
  readonly arrived: Set<number>;
}

/**
 * Decides when a task with inputs takes part in a checkpoint. A newer barrier ends every older alignment; barriers at or
 * below the floor, and of checkpoints that were given up, are dropped when they still arrive (R10). In exactly-once mode a
 * channel that delivered its barrier waits for the others; in at-least-once mode it goes on.
 */
export class BarrierAligner {
  readonly #channels: number;
  readonly #blocking: boolean;
  readonly #ended = new Set<number>();
  #alignment: Alignment | undefined;
  /** Nothing at or below it is ever started any more. */
  #decided: number;

  constructor(options: { readonly channels: number; readonly exactlyOnce: boolean; readonly floor: number }) {
    this.#channels = options.channels;
    this.#blocking = options.exactlyOnce;
    this.#decided = options.floor;
  }

  /** The one that goes on now. */
  get alignment(): { readonly checkpointId: number; readonly sinceMs: number } | undefined {
    const alignment = this.#alignment;
    return alignment && { checkpointId: alignment.barrier.checkpointId, sinceMs: alignment.sinceMs };
  }

  barrier(channel: number, barrier: BarrierEvent, nowMs: number): AlignerAction[] {
    const actions = this.#begin(barrier, nowMs);
    if (this.#alignment?.barrier.checkpointId !== barrier.checkpointId) {
      return actions;
    }
    this.#alignment.arrived.add(channel);
    if (this.#blocking && this.#channels > 1) {
      actions.push({ kind: 'block', channel });
    }
    return [...actions, ...this.#complete()];
  }

  /** The JobManager triggers a task whose producers have all finished. It starts when the last channel has ended. */
  triggered(barrier: BarrierEvent, nowMs: number): AlignerAction[] {
    return [...this.#begin(barrier, nowMs), ...this.#complete()];
  }

  channelEnded(channel: number): AlignerAction[] {
    this.#ended.add(channel);
    return this.#complete();
  }

  /** A cancel-barrier of a producer, or an abort of the coordinator, which may come before the barrier itself. */
  cancelled(checkpointId: number): AlignerAction[] {
    if (checkpointId <= this.#decided) {
      return [];
    }
    const current = this.#alignment?.barrier.checkpointId;
    if (current !== undefined && current > checkpointId) {
      return [];
    }
    this.#decided = checkpointId;
    const actions: AlignerAction[] = [];
    if (current !== undefined) {
      this.#alignment = undefined;
      actions.push({ kind: 'unblock-all' });
      if (current < checkpointId) {
        actions.push({ kind: 'cancel', checkpointId: current });
      }
    }
    actions.push({ kind: 'cancel', checkpointId });
    return actions;
  }

  #begin(barrier: BarrierEvent, nowMs: number): AlignerAction[] {
    const current = this.#alignment?.barrier.checkpointId;
    if (barrier.checkpointId <= this.#decided || (current !== undefined && barrier.checkpointId <= current)) {
      return [];
    }
    this.#alignment = { barrier, sinceMs: nowMs, arrived: new Set() };
    if (current === undefined) {
      return [];
    }
    this.#decided = current;
    return [{ kind: 'unblock-all' }, { kind: 'cancel', checkpointId: current }];
  }

  #complete(): AlignerAction[] {
    const alignment = this.#alignment;
    if (alignment === undefined) {
      return [];
    }
    for (let channel = 0; channel < this.#channels; channel++) {
      if (!alignment.arrived.has(channel) && !this.#ended.has(channel)) {
        return [];
      }
    }
    this.#alignment = undefined;
    this.#decided = alignment.barrier.checkpointId;
    return [
      { kind: 'start', barrier: alignment.barrier, alignedSinceMs: alignment.sinceMs },
      ...(this.#blocking && this.#channels > 1 ? [{ kind: 'unblock-all' } as const] : []),
    ];
  }
}
