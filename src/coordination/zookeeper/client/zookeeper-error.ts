/**
 * All that an operation can end in, other than its result. `retry`: the same call may succeed later; `happened`: `no` is proven, `maybe`
 * is decided only by a `sync` and a read on the same session.
 */
const ERRORS = {
  CONNECTION_LOSS: { retry: true, happened: 'maybe', says: 'the connection was lost before the answer came' },
  OPERATION_TIMEOUT: { retry: true, happened: 'maybe', says: 'no server answered in time' },
  NOT_CONNECTED: { retry: true, happened: 'no', says: 'no server could be reached in time, it was never sent' },
  SESSION_EXPIRED: { retry: false, happened: 'maybe', says: 'the ensemble has ended the session' },
  SESSION_CLOSED: { retry: false, happened: 'maybe', says: 'the client was closed' },
  SESSION_MOVED: { retry: true, happened: 'no', says: 'the session has moved to another server' },
  AUTH_FAILED: { retry: false, happened: 'no', says: 'the ensemble refuses the credentials' },
  NO_AUTH: { retry: false, happened: 'no', says: 'the ACL does not allow it' },
  INVALID_ACL: { retry: false, happened: 'no', says: 'the ensemble does not know such an ACL' },
  NO_NODE: { retry: false, happened: 'no', says: 'there is no such node' },
  NODE_EXISTS: { retry: false, happened: 'no', says: 'the node is there already' },
  NOT_EMPTY: { retry: false, happened: 'no', says: 'the node has children' },
  BAD_VERSION: { retry: false, happened: 'no', says: 'the node has another version' },
  NO_CHILDREN_FOR_EPHEMERALS: { retry: false, happened: 'no', says: 'an ephemeral node cannot have children' },
  NO_WATCHER: { retry: false, happened: 'no', says: 'there is no such watch' },
  QUOTA_EXCEEDED: { retry: false, happened: 'no', says: 'the quota of the ensemble is used up' },
  THROTTLED: { retry: true, happened: 'no', says: 'the ensemble has too much to do' },
  NOT_READ_ONLY: { retry: true, happened: 'no', says: 'the server is cut off from its ensemble and only reads' },
  UNIMPLEMENTED: {
    retry: false,
    happened: 'no',
    says: 'the ensemble does not have this operation; it may be too old or not enabled',
  },
  BAD_ARGUMENTS: { retry: false, happened: 'no', says: 'an argument is not allowed' },
  ROLLED_BACK: { retry: false, happened: 'no', says: 'another operation of the same multi failed' },
  /** Of the recipes. */
  NOT_ACQUIRED: { retry: true, happened: 'no', says: 'others were first, and the time to wait for them is over' },
  /** A code this client does not know, or an answer it cannot read. */
  PROTOCOL: { retry: false, happened: 'maybe', says: 'the answer cannot be understood' },
} as const satisfies Record<string, { retry: boolean; happened: 'no' | 'maybe'; says: string }>;

export type ZooKeeperErrorCode = keyof typeof ERRORS;

export class ZooKeeperError extends Error {
  readonly code: ZooKeeperErrorCode;
  /** The path of the operation, below the chroot. */
  readonly path: string | undefined;

  /** `detail`: what is known beyond the meaning of the code, for people. */
  constructor(code: ZooKeeperErrorCode, operation: string, path?: string, detail?: string) {
    const what = path === undefined ? operation : `${operation} ${path}`;
    super(`${what}: ${ERRORS[code].says} (${detail === undefined ? code : `${code}, ${detail}`})`);
    this.name = 'ZooKeeperError';
    this.code = code;
    this.path = path;
  }

  /** The same call may succeed later, on this client. */
  get isRetryable(): boolean {
    return ERRORS[this.code].retry;
  }

  /** It is not proven that nothing was changed. */
  get mayHaveHappened(): boolean {
    return ERRORS[this.code].happened === 'maybe';
  }
}
