import { codeOf, messageOf, MillraceError } from '../../foundation/common/errors.ts';

/** A request that is answered with this status. */
export class RestError extends Error {
  override readonly name = 'RestError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const NO_LEADER = 'no JobManager leads right now, an election is under way; ask again';

const STATUS_OF: Readonly<Partial<Record<string, number>>> = {
  BAD_JOB: 400,
  BAD_OPTION: 400,
  CHECKPOINT_MISMATCH: 400,
  FILE_NOT_FOUND: 404,
  GRAPH_MISMATCH: 400,
  JOB_ENDED: 409,
  JOB_NOT_FOUND: 404,
  JOB_NOT_RUNNING: 409,
  JOB_SET_ASIDE: 423,
  LEADERSHIP_LOST: 503,
  NOT_ENOUGH_SLOTS: 409,
  NOT_LEADER: 503,
  OVERLOADED: 503,
  STORE_AWAY: 503,
  TRIGGER_NOT_FOUND: 404,
  UNSUPPORTED: 400,
};

/** The status that an error of the gateway is answered with. */
export const statusOf = (thrown: unknown): number => {
  if (thrown instanceof RestError) {
    return thrown.status;
  }
  if (thrown instanceof MillraceError && thrown.retryable) {
    return 503;
  }
  return STATUS_OF[codeOf(thrown) ?? ''] ?? 500;
};

export const errorsBody = (thrown: unknown): { readonly errors: readonly string[] } => ({
  errors: [
    thrown instanceof RestError || thrown instanceof MillraceError
      ? messageOf(thrown)
      : `internal error: ${messageOf(thrown)}`,
  ],
});
