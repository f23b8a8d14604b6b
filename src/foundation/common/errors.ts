/** The closed list of error codes. A new failure gets a new code here, its message says what to do. */
export type ErrorCode =
  | 'ADDRESS_IN_USE'
  | 'BAD_CERTIFICATE'
  | 'BAD_OPTION'
  | 'BAD_JOB'
  | 'BAD_RECORD'
  | 'BUNDLE_FAILED'
  | 'CHANNEL_LOST'
  | 'CHECKPOINT_BROKEN'
  | 'CHECKPOINT_FAILED'
  | 'CHECKPOINT_NEWER_VERSION'
  | 'CHECKPOINT_MISMATCH'
  | 'CONNECTION_LOST'
  | 'CORRUPT_DATA'
  | 'FENCED'
  | 'FILE_EXISTS'
  | 'FILE_NOT_FOUND'
  | 'FILESYSTEM'
  | 'GRAPH_MISMATCH'
  | 'HELLO_REFUSED'
  | 'JOB_ENDED'
  | 'JOB_NOT_FOUND'
  | 'JOB_NOT_RUNNING'
  | 'JOB_SET_ASIDE'
  | 'LEADERSHIP_LOST'
  | 'MESSAGE_TOO_LARGE'
  | 'NOT_ENOUGH_SLOTS'
  | 'NOT_LEADER'
  | 'NUMBER_OVERFLOW'
  | 'OUT_OF_MEMORY'
  | 'OVERLOADED'
  | 'PORT_IN_USE'
  | 'PROTOCOL'
  | 'REMOTE_FAILED'
  | 'SLOT_OCCUPIED'
  | 'STORE_AWAY'
  | 'STORE_BROKEN'
  | 'STORE_EMPTY'
  | 'STORE_IN_USE'
  | 'STORE_REPLACED'
  | 'TASK_CANCELED'
  | 'TASK_FAILED'
  | 'TASK_MANAGER_LOST'
  | 'TIMEOUT'
  | 'TRIGGER_NOT_FOUND'
  | 'UNREACHABLE'
  | 'UNSUPPORTED'
  | 'WORKER_DIED';

/**
 * An error that names the thing and the way out. `retryable` says whether the same call may succeed later without a
 * change by the user.
 */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  /** The TaskManager process whose loss is behind it: this error is then a consequence, not a cause. */
  readonly lostInstanceId: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryable?: boolean; lostInstanceId?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.lostInstanceId = options.lostInstanceId;
  }
}

/** The text of anything, also of what refuses to become a text: errors of user code must not break what reports them. */
const textOf = (value: unknown): string => {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
};

/** The message of anything that was thrown. */
export const messageOf = (thrown: unknown): string => {
  try {
    return textOf(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return 'an error whose message cannot be read';
  }
};

/** The `code` of a Node or Millrace error, if it has one. */
export const codeOf = (thrown: unknown): string | undefined =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;

/** An error as plain data, so that it crosses threads and processes with code, stack and cause. */
export interface ErrorInfo {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  /** Only of a `MillraceError` that is. */
  readonly retryable?: true;
  readonly stack?: string;
  readonly cause?: ErrorInfo;
  /** See `MillraceError`. */
  readonly lostInstanceId?: string;
}

export const errorInfo = (thrown: unknown, depth = 5): ErrorInfo => {
  if (!(thrown instanceof Error)) {
    return { name: 'Error', message: `thrown value: ${textOf(thrown)}` };
  }
  try {
    const code = codeOf(thrown);
    return {
      name: textOf(thrown.name),
      message: messageOf(thrown),
      ...(code === undefined ? {} : { code }),
      ...(thrown instanceof MillraceError && thrown.retryable ? { retryable: true as const } : {}),
      ...(thrown.stack === undefined ? {} : { stack: textOf(thrown.stack) }),
      ...(thrown instanceof MillraceError && thrown.lostInstanceId !== undefined
        ? { lostInstanceId: thrown.lostInstanceId }
        : {}),
      ...(thrown.cause === undefined || depth === 0 ? {} : { cause: errorInfo(thrown.cause, depth - 1) }),
    };
  } catch {
    return { name: 'Error', message: messageOf(thrown) };
  }
};
