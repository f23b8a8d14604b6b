import { assert } from '../../foundation/common/assert.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import { GRAPHS_PREFIX } from '../records/record-keys.ts';

/** Where submitted jobs are unless the configuration says otherwise. */
export const EXECUTION_PLANS_PATH = `/${GRAPHS_PREFIX.slice(0, -1)}`;

const LEADER_NAME = 'leader';
const RECORD_NAMES = ['jobs', 'results', 'locks'];

/** Where things are below a cluster's root; records are at `<root>/<key>`, those of submitted jobs where `executionPlans` says. */
export interface StorePaths {
  readonly root: string;
  /** Has everything about who leads. */
  readonly leader: string;
  /** One ephemeral sequential node for each contender: the queue. */
  readonly latches: string;
  /** The lineage, and the newest grant. It is made last: a store without it is not there. */
  readonly epoch: string;
  /** Ephemeral: who leads, and where. */
  readonly information: string;
  /** Where the cluster keeps what the records point to. */
  readonly storage: string;
  /** Whom standbys have taken for dead, and how often they were wrong. */
  readonly suspicions: string;
  /** Below the root, from a slash on. */
  readonly executionPlans: string;
  /** Folders of records, there from the beginning. */
  readonly recordFolders: readonly string[];
  /** Those that are between the root and a folder of records. */
  readonly foldersBetween: readonly string[];
  ofRecord(key: string): string;
  keyOf(path: string): string;
}

/**
 * `root`: an absolute path, `<high-availability.zookeeper.path.root>/<cluster-id>`; `executionPlans`: where submitted jobs are below it.
 * Errors: BAD_OPTION where something else is there.
 */
export const storePathsOf = (root: string, executionPlans: string = EXECUTION_PLANS_PATH): StorePaths => {
  assert(isNodePath(root), `${root} is no path of a node`);
  if (!isNodePath(executionPlans)) {
    throw new MillraceError('BAD_OPTION', `${executionPlans} is no place for submitted jobs: it names no node`);
  }
  const taken = [LEADER_NAME, ...RECORD_NAMES].find((name) => `${executionPlans}/`.startsWith(`/${name}/`));
  if (taken !== undefined) {
    throw new MillraceError(
      'BAD_OPTION',
      `${executionPlans} is no place for submitted jobs: /${taken} has something else`,
    );
  }
  const leader = `${root}/${LEADER_NAME}`;
  const plans = `${root}${executionPlans}`;
  return {
    root,
    leader,
    latches: `${leader}/latch`,
    epoch: `${leader}/epoch`,
    information: `${leader}/connection_info`,
    storage: `${leader}/storage`,
    suspicions: `${leader}/suspicions`,
    executionPlans,
    recordFolders: [plans, ...RECORD_NAMES.map((name) => `${root}/${name}`)],
    foldersBetween: parentsOf(plans).filter((folder) => folder.startsWith(`${root}/`)),
    ofRecord: (key) => moved(key, EXECUTION_PLANS_PATH.slice(1), plans) ?? `${root}/${key}`,
    keyOf: (path) => moved(path, plans, EXECUTION_PLANS_PATH.slice(1)) ?? path.slice(root.length + 1),
  };
};

/** A folder, or what is in it, under another name; `undefined`: it is neither. */
const moved = (path: string, from: string, to: string): string | undefined =>
  path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : undefined;

const isNodePath = (path: string): boolean => /^(\/[^/]+)+$/.test(path);

/** `/a/b/c`: `/a`, `/a/b`. */
export const parentsOf = (path: string): readonly string[] => {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
};
