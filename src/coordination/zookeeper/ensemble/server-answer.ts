/** What a server that serves says of itself; what it leaves out is missing. */
export interface ServerFigures {
  readonly mode: 'leader' | 'follower' | 'observer' | 'standalone' | 'read-only';
  readonly version?: string;
  /** Of requests, since its start. */
  readonly latencyMs?: { readonly min: number; readonly avg: number; readonly max: number };
  /** That which asks is among them. */
  readonly connections?: number;
  readonly outstanding?: number;
  readonly znodes?: number;
  /** Of the last transaction that it has applied. */
  readonly zxid?: bigint;
}

/** What `mntr` adds. */
export interface MonitoredFigures {
  readonly ephemerals?: number;
  readonly watches?: number;
  readonly dataBytes?: number;
  /** Of a leader. */
  readonly syncedFollowers?: number;
  /** Servers with a vote, as a leader of 3.6 or newer counts them. */
  readonly voters?: number;
}

export type ServerAnswer =
  | { readonly kind: 'serves'; readonly figures: ServerFigures; readonly monitored: MonitoredFigures }
  | { readonly kind: 'not-serving' }
  /** The word is not in the server's `4lw.commands.whitelist`. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'not-understood'; readonly beginning: string };

const NOT_SERVING = /^This ZooKeeper instance is not currently serving requests/;
const REFUSED = /^\w{1,16} is not executed because it is not in the whitelist/;
const MODES = ['leader', 'follower', 'observer', 'standalone', 'read-only'] as const;
const MOST_LINES = 10_000;

/** An answer to `srvr`, whatever it is. */
export const parseServer = (text: string): ServerAnswer => {
  const other = withoutFigures(text);
  if (other !== undefined) {
    return other;
  }
  const said = pairsOf(text, /^([A-Za-z][\w /]{0,60}): (.{0,200})$/);
  const mode = modeOf(said.get('Mode'));
  if (mode === undefined) {
    return { kind: 'not-understood', beginning: beginningOf(text) };
  }
  const figures = {
    version: versionOf(said.get('Zookeeper version')),
    latencyMs: latencyOf(said.get('Latency min/avg/max')),
    connections: numberOf(said.get('Connections')),
    outstanding: numberOf(said.get('Outstanding')),
    znodes: numberOf(said.get('Node count')),
    zxid: zxidOf(said.get('Zxid')),
  };
  return { kind: 'serves', figures: { mode, ...withoutMissing(figures) }, monitored: {} };
};

/** An answer to `mntr`, whatever it is. */
export const parseMonitor = (text: string): ServerAnswer => {
  const other = withoutFigures(text);
  if (other !== undefined) {
    return other;
  }
  const said = pairsOf(text, /^zk_(\w{1,100})\t(.{0,200})$/);
  const mode = modeOf(said.get('server_state'));
  if (mode === undefined) {
    return { kind: 'not-understood', beginning: beginningOf(text) };
  }
  const [min, avg, max] = ['min_latency', 'avg_latency', 'max_latency'].map((key) => numberOf(said.get(key)));
  const figures = {
    version: versionOf(said.get('version')),
    latencyMs: min === undefined || avg === undefined || max === undefined ? undefined : { min, avg, max },
    connections: numberOf(said.get('num_alive_connections')),
    outstanding: numberOf(said.get('outstanding_requests')),
    znodes: numberOf(said.get('znode_count')),
  };
  const monitored = {
    ephemerals: numberOf(said.get('ephemerals_count')),
    watches: numberOf(said.get('watch_count')),
    dataBytes: numberOf(said.get('approximate_data_size')),
    syncedFollowers: numberOf(said.get('synced_followers')),
    voters: numberOf(said.get('quorum_size')),
  };
  return {
    kind: 'serves',
    figures: { mode, ...withoutMissing(figures) },
    monitored: withoutMissing(monitored),
  };
};

const withoutFigures = (text: string): ServerAnswer | undefined =>
  NOT_SERVING.test(text) ? { kind: 'not-serving' } : REFUSED.test(text) ? { kind: 'refused' } : undefined;

/** The first of each key counts. */
const pairsOf = (text: string, line: RegExp): ReadonlyMap<string, string> => {
  const pairs = text.split('\n', MOST_LINES).flatMap((each) => {
    const [, key, value] = line.exec(each.trimEnd()) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value.trim()] as const];
  });
  return new Map(pairs.toReversed());
};

const modeOf = (text: string | undefined): ServerFigures['mode'] | undefined => MODES.find((mode) => mode === text);

const versionOf = (text: string | undefined): string | undefined =>
  /^\d+(?:\.\d+){1,3}(?:-(?:alpha|beta|rc)(?:-?\d+)?)?/i.exec(text ?? '')?.[0];

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}(?:\.\d{1,20})?$/.test(text) ? Number(text) : undefined;

const latencyOf = (text: string | undefined): ServerFigures['latencyMs'] => {
  const [min, avg, max, more] = (text ?? '').split('/').map(numberOf);
  return min === undefined || avg === undefined || max === undefined || more !== undefined
    ? undefined
    : { min, avg, max };
};

const zxidOf = (text: string | undefined): bigint | undefined =>
  text !== undefined && /^0x[0-9a-f]{1,16}$/i.test(text) ? BigInt(text) : undefined;

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

const withoutMissing = <T extends object>(figures: T): Present<T> =>
  Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined)) as Present<T>;

/** What a terminal can show of it: it may come from anything that listens there. */
const beginningOf = (text: string): string => {
  const shown = text
    .slice(0, 60)
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
  return text.length > 60 ? `${shown} ...` : shown;
};
