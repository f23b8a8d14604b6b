import type { ServerStatus } from './server-status.ts';

/** What follows from the answers of an ensemble's servers. */
export interface EnsembleVerdict {
  /**
   * `works`: a leader has a quorum. `no-leader`: none does now. `not-known`: those that would say so cannot be asked, or none of them can
   * be reached.
   */
  readonly state: 'works' | 'no-leader' | 'not-known';
  /** `host:port`. */
  readonly leader?: string;
  /** Servers that have a vote: as one of them counts them, else those that are named. */
  readonly voters: number;
  /** So many of them have to work together: floor(voters / 2) + 1. */
  readonly quorum: number;
  /** So many of them do, as far as they can be asked. */
  readonly serving: number;
  /** They may work too, and do not take the question, or are not named. */
  readonly unasked: number;
  /** So many more may fail, at least; 0 where it does not work. */
  readonly mayFail: number;
  /** What is wrong with the ensemble or with how it is named, for people. */
  readonly problems: readonly string[];
}

/** `servers`: all that are named, each once. */
export const verdictOf = (servers: readonly ServerStatus[]): EnsembleVerdict => {
  const ofMode = (...modes: readonly ServerStatus['mode'][]): readonly ServerStatus[] =>
    servers.filter(({ mode }) => modes.includes(mode));
  const named = servers.length - ofMode('observer').length;
  const voters = countedVoters(servers) ?? named;
  const quorum = Math.floor(voters / 2) + 1;
  const serving = ofMode('leader', 'follower', 'standalone').length;
  const unasked = ofMode('refuses-words', 'tls-only', 'not-understood').length + Math.max(0, voters - named);
  const leader = leaderOf(servers);
  const state = leader === undefined ? stateWithoutLeader(servers, unasked) : 'works';
  return {
    state,
    ...(leader === undefined ? {} : { leader: leader.address }),
    voters,
    quorum,
    serving,
    unasked,
    mayFail: state === 'works' ? Math.max(0, serving - quorum) : 0,
    problems: problemsOf(servers, { named, voters }),
  };
};

/** Standalone servers know of no other. */
const countedVoters = (servers: readonly ServerStatus[]): number | undefined =>
  (
    servers.find(({ mode, voters }) => mode === 'leader' && voters !== undefined) ??
    servers.find(({ mode, voters }) => mode === 'follower' && voters !== undefined)
  )?.voters;

const ownLeaders = (servers: readonly ServerStatus[]): readonly ServerStatus[] =>
  servers.filter(({ mode }) => mode === 'leader' || mode === 'standalone');

/** Where two say that they lead, clients of the one do not see what clients of the other write. */
const leaderOf = (servers: readonly ServerStatus[]): ServerStatus | undefined => {
  const [leader, another] = ownLeaders(servers);
  const isAlone = leader?.mode === 'standalone' && servers.length > 1;
  return another === undefined && !isAlone ? leader : undefined;
};

const stateWithoutLeader = (servers: readonly ServerStatus[], unasked: number): EnsembleVerdict['state'] => {
  if (ownLeaders(servers).length > 0) {
    return 'no-leader';
  }
  return unasked > 0 || servers.every(({ mode }) => mode === 'unreachable') ? 'not-known' : 'no-leader';
};

const problemsOf = (
  servers: readonly ServerStatus[],
  { named, voters }: { readonly named: number; readonly voters: number },
): readonly string[] => {
  const namesOf = (mode: ServerStatus['mode']): string[] =>
    servers.filter((server) => server.mode === mode).map(({ address }) => address);
  const problems: string[] = [];
  const standalone = namesOf('standalone');
  if (standalone.length > 0 && servers.length > 1) {
    problems.push(
      `${standalone.join(', ')}: no other server is named in its zoo.cfg (standalone), so that it shares its data with nobody`,
    );
  }
  const leaders = namesOf('leader');
  if (leaders.length > 1) {
    problems.push(
      `${leaders.join(', ')} all lead: they are of different ensembles, or one has just taken over from another; ask again`,
    );
  }
  if (voters !== named) {
    problems.push(
      `the ensemble has ${voters} servers with a vote, and ${named} are named in high-availability.zookeeper.quorum`,
    );
  }
  return problems;
};
