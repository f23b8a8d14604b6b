import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { CheckpointRequest } from './coordinator-event.ts';
import { failure } from './coordinator-messages.ts';

const MAX_WAITING = 100;

interface Waiting {
  readonly request: CheckpointRequest;
  readonly deadlineMs: number;
}

/** Whether tasks stop with what is asked for. */
export const stopOf = (request: CheckpointRequest | undefined): 'no' | 'suspend' | 'drain' =>
  request?.kind === 'savepoint' ? request.stop : 'no';

/** Checkpoints and savepoints that were asked for and wait for their turn: for all tasks to run, for the one before. */
export class RequestQueue {
  readonly #hasFolder: boolean;
  #waiting: Waiting[] = [];

  constructor(options: { readonly hasCheckpointFolder: boolean }) {
    this.#hasFolder = options.hasCheckpointFolder;
  }

  get nextDeadlineMs(): number {
    return this.#waiting.reduce((earliest, { deadlineMs }) => Math.min(earliest, deadlineMs), Number.POSITIVE_INFINITY);
  }

  /** Why it cannot wait here; `current` is the request under way. */
  refusal(request: CheckpointRequest, current: CheckpointRequest | undefined): ErrorInfo | undefined {
    const stops = [current, ...this.#waiting.map((waiting) => waiting.request)].some((other) => stopOf(other) !== 'no');
    if (request.kind === 'checkpoint' && !this.#hasFolder) {
      return failure(
        'BAD_OPTION',
        'checkpointing is off for this job: switch it on with env.enableCheckpointing or execution.checkpointing.interval, ' +
          'or take a savepoint, which works without',
      );
    }
    if (stopOf(request) !== 'no' && stops) {
      return failure('CHECKPOINT_FAILED', 'the job is being stopped already');
    }
    return this.#waiting.length >= MAX_WAITING
      ? failure('CHECKPOINT_FAILED', `${MAX_WAITING} checkpoints and savepoints wait already; try again later`)
      : undefined;
  }

  add(request: CheckpointRequest, deadlineMs: number): void {
    this.#waiting.push({ request, deadlineMs });
  }

  /** Its turn came too early: it stays the next. */
  putBack(request: CheckpointRequest, deadlineMs: number): void {
    this.#waiting.unshift({ request, deadlineMs });
  }

  next(): CheckpointRequest | undefined {
    return this.#waiting.shift()?.request;
  }

  takeExpired(nowMs: number): readonly CheckpointRequest[] {
    const expired = this.#waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    this.#waiting = this.#waiting.filter(({ deadlineMs }) => deadlineMs > nowMs);
    return expired.map(({ request }) => request);
  }

  takeAll(): readonly CheckpointRequest[] {
    return this.takeExpired(Number.POSITIVE_INFINITY);
  }
}
