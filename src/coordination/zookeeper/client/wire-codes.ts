import type { ZooKeeperErrorCode } from './zookeeper-error.ts';

/** Types of requests. */
export const OP = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  /** Names alone, as a part of `multiRead`. */
  getChildren: 8,
  sync: 9,
  ping: 11,
  /** Names and the stat. */
  getChildren2: 12,
  check: 13,
  multi: 14,
  /** As `create`, answered with the stat, too. */
  create2: 15,
  removeWatches: 18,
  createContainer: 19,
  createTtl: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  closeSession: -11,
  error: -1,
} as const;

/** Transaction numbers with a meaning of their own. */
export const XID = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

export const NO_NODE = -101;

const ERRORS: ReadonlyMap<number, ZooKeeperErrorCode> = new Map([
  [-4, 'CONNECTION_LOSS'],
  [-6, 'UNIMPLEMENTED'],
  [-7, 'OPERATION_TIMEOUT'],
  [-8, 'BAD_ARGUMENTS'],
  // Unknown to the server that answers: it has ended.
  [-12, 'SESSION_EXPIRED'],
  [NO_NODE, 'NO_NODE'],
  [-102, 'NO_AUTH'],
  [-103, 'BAD_VERSION'],
  [-108, 'NO_CHILDREN_FOR_EPHEMERALS'],
  [-110, 'NODE_EXISTS'],
  [-111, 'NOT_EMPTY'],
  [-112, 'SESSION_EXPIRED'],
  [-114, 'INVALID_ACL'],
  [-115, 'AUTH_FAILED'],
  [-118, 'SESSION_MOVED'],
  [-119, 'NOT_READ_ONLY'],
  [-121, 'NO_WATCHER'],
  [-122, 'OPERATION_TIMEOUT'],
  // The server wants SASL before anything else.
  [-124, 'AUTH_FAILED'],
  [-125, 'QUOTA_EXCEEDED'],
  [-127, 'THROTTLED'],
]);

/** A number that is not known ends in PROTOCOL: nothing is known of what happened. */
export const errorCodeOf = (wire: number): ZooKeeperErrorCode => ERRORS.get(wire) ?? 'PROTOCOL';
