import { codeOf, messageOf, MillraceError } from '../../../src/foundation/common/errors.ts';
import type { JobId } from '../../../src/foundation/common/ids.ts';
import type { Random } from '../../../src/foundation/common/random.ts';
import type {
  ClusterGateway,
  JobDetails,
  JobState,
} from '../../../src/runtime/jobmanager/dispatcher/cluster-gateway.ts';
import { Violation } from './violation.ts';
import type { JobManagerMember } from './job-manager-process.ts';
import type { World } from './world.ts';

/** Before it asks again, at most. */
const AGAIN_MS = 500;
/** It waits for an answer so long. */
const ANSWER_MS = 15_000;
const LOOK_MS = 500;
/** One answer of so many is lost. */
const LOST = 6;

type Answer<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'none' };

const hasEnded = (state: JobState): boolean => state === 'FINISHED' || state === 'CANCELED' || state === 'FAILED';

/** A user: what is not answered, or refused for now, is asked again of whoever leads then (R7). */
export class Client {
  readonly #world: World;
  readonly #random: Random;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.time.after(ms, resolve);
    });
  }

  /** Errors: what a repeat would not mend. */
  async ask<T>(call: (gateway: ClusterGateway) => Promise<T>): Promise<T> {
    for (;;) {
      const answer = await this.#once(call);
      if (answer.kind === 'value' && this.#random.int(LOST) > 0) {
        return answer.value;
      }
      if (answer.kind === 'error' && !(answer.error instanceof MillraceError && answer.error.retryable)) {
        throw answer.error;
      }
      await this.wait(this.#random.next() * AGAIN_MS);
    }
  }

  /** Until all its tasks run, or it has ended. */
  async runs(jobId: JobId): Promise<void> {
    for (;;) {
      const { state, tasks } = await this.#details(jobId);
      if (hasEnded(state) || (state === 'RUNNING' && tasks.running === tasks.total)) {
        return;
      }
      await this.wait(LOOK_MS);
    }
  }

  async ended(jobId: JobId): Promise<JobState> {
    for (;;) {
      const { state } = await this.#details(jobId);
      if (hasEnded(state)) {
        return state;
      }
      await this.wait(LOOK_MS);
    }
  }

  /** The folder of what was asked for, or of nothing: the job was over before, or could not do it. */
  async snapshot(
    jobId: JobId,
    request: (gateway: ClusterGateway) => Promise<{ readonly triggerId: string }>,
  ): Promise<string | undefined> {
    try {
      const { triggerId } = await this.ask(request);
      for (;;) {
        const status = await this.ask((gateway) => gateway.snapshotStatus(jobId, triggerId));
        if (status.state === 'completed') {
          return status.location;
        }
        if (status.state === 'failed') {
          this.#world.note('', '', `a client is told that its request failed: ${status.error.message}`);
          return undefined;
        }
        await this.wait(LOOK_MS);
      }
    } catch (error) {
      // A takeover has forgotten it (R7), or the job is not there to do it.
      const code = codeOf(error);
      if (['JOB_ENDED', 'JOB_NOT_RUNNING', 'TRIGGER_NOT_FOUND', 'NOT_ENOUGH_SLOTS'].includes(code ?? '')) {
        this.#world.note('', '', `a client is told: ${messageOf(error)}`);
        return undefined;
      }
      throw error;
    }
  }

  /** Of a job whose submission was accepted. */
  async #details(jobId: JobId): Promise<JobDetails> {
    for (;;) {
      try {
        return await this.ask((gateway) => gateway.details(jobId));
      } catch (error) {
        if (codeOf(error) !== 'JOB_NOT_FOUND') {
          throw error;
        }
        // One that was deposed and has not heard of it does not know what its successor accepted.
        if (this.#leaders.length <= 1) {
          throw new Violation('I12', `job ${jobId} was accepted, and is not known`);
        }
        await this.wait(LOOK_MS);
      }
    }
  }

  /** Those that believe that they lead. */
  get #leaders(): readonly JobManagerMember[] {
    return this.#world.jobManagers.filter(
      ({ process, jobManager }) => !process.isDead && !process.isPaused && jobManager?.isLeading === true,
    );
  }

  async #once<T>(call: (gateway: ClusterGateway) => Promise<T>): Promise<Answer<T>> {
    const asked = this.#leaders;
    const member = asked[this.#random.int(Math.max(1, asked.length))];
    if (member?.jobManager === undefined) {
      return { kind: 'none' };
    }
    const { process, jobManager } = member;
    return new Promise((resolve) => {
      const none = (): void => resolve({ kind: 'none' });
      process.onDeath(none);
      this.#world.time.after(ANSWER_MS, none);
      call(jobManager).then(
        (value) => process.do(() => resolve({ kind: 'value', value })),
        (error: unknown) => process.do(() => resolve({ kind: 'error', error })),
      );
    });
  }
}
