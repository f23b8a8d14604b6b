import type { Configuration } from '../configuration.ts';

/** All that the checks look at: what is written, and what was found out about it. */
export interface CheckFacts {
  readonly configuration: Configuration;
  /** Lines of `masters` and `workers` beside the configuration; `undefined`: there is no such file. */
  readonly jobManagers: readonly ListedHost[] | undefined;
  readonly taskManagers: readonly ListedHost[] | undefined;
  readonly ensemble: EnsembleFacts;
  /** By the key of the option that names the place. */
  readonly places: ReadonlyMap<string, PlaceKind>;
  readonly manifests: readonly TextFile[];
}

export interface ListedHost {
  readonly host: string;
  /** `conf/masters:2` */
  readonly origin: string;
}

export interface TextFile {
  readonly name: string;
  readonly text: string;
}

export interface EnsembleFacts {
  /** In the order of the quorum, none twice. */
  readonly servers: readonly EnsembleServer[];
  /** Why the quorum cannot be read. */
  readonly problem: string | undefined;
}

export interface EnsembleServer {
  readonly host: string;
  readonly port: number;
  /** `undefined`: nobody wanted it to be asked. */
  readonly answer: ServerAnswer | undefined;
}

export interface ServerAnswer {
  /** Why it could not be asked, or not all that was to be known. */
  readonly failure: string | undefined;
  readonly mode: string | undefined;
  /** What `conf` says, where the server answers it. */
  readonly settings: ServerSettings | undefined;
  /** What it grants of the session timeout that is configured. */
  readonly grantedTimeoutMs: number | undefined;
}

export interface ServerSettings {
  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** Ticks; `undefined` of a server that stands alone. */
  readonly syncLimit: number | undefined;
  /** Servers that vote; `undefined` of a server that stands alone. */
  readonly voters: number | undefined;
}

/**
 * `memory`: a file system in memory; `temporary`: a folder that a restart of the machine may empty; `shared`: a network file system, or
 * an object store; `local`: on a disk of this machine; `unsupported`: this version has no file system for it; `unreadable`: there is none
 * of that name, or it makes no sense.
 */
export type PlaceKind = 'memory' | 'temporary' | 'shared' | 'local' | 'unsupported' | 'unreadable';

/** One name for each host: letter case and the ways to say "this machine" do not count. */
export const hostName = (host: string): string => {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/.test(name) ? 'localhost' : name;
};

/** Also where one is written with its domain and the other without. */
export const isSameHost = (a: string, b: string): boolean => {
  const [first, second] = [hostName(a), hostName(b)];
  const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name);
  return (
    first === second ||
    (!isAddress(first) && !isAddress(second) && (first.startsWith(`${second}.`) || second.startsWith(`${first}.`)))
  );
};

/** Hosts that run processes of the cluster, each once; `undefined`: it is not written anywhere. */
export const processHosts = ({ jobManagers, taskManagers }: CheckFacts): readonly string[] | undefined =>
  jobManagers === undefined && taskManagers === undefined
    ? undefined
    : [...new Set([...(jobManagers ?? []), ...(taskManagers ?? [])].map(({ host }) => hostName(host)))];
