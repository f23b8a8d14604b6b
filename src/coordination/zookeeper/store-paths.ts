import { assert } from '../../foundation/common/assert.ts';

/** Where things are below a cluster's root; records are at `<root>/<key>`. */
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
  /** Folders of records, there from the beginning. */
  readonly recordFolders: readonly string[];
  ofRecord(key: string): string;
  keyOf(path: string): string;
}

/** `root`: an absolute path, `<high-availability.zookeeper.path.root>/<cluster-id>`. */
export const storePathsOf = (root: string): StorePaths => {
  assert(/^(\/[^/]+)+$/.test(root), `${root} is no path of a node`);
  const leader = `${root}/leader`;
  return {
    root,
    leader,
    latches: `${leader}/latch`,
    epoch: `${leader}/epoch`,
    information: `${leader}/connection_info`,
    storage: `${leader}/storage`,
    suspicions: `${leader}/suspicions`,
    recordFolders: ['execution-plans', 'jobs', 'results', 'locks'].map((name) => `${root}/${name}`),
    ofRecord: (key) => `${root}/${key}`,
    keyOf: (path) => path.slice(root.length + 1),
  };
};

/** `/a/b/c`: `/a`, `/a/b`. */
export const parentsOf = (path: string): readonly string[] => {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
};
