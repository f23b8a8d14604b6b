import type { ClusterProcess, LocalCluster } from './local-cluster.ts';

/** That nobody leads, and why as far as it is known. */
export const leaderlessLines = (
  processes: readonly ClusterProcess[],
  troubles: Awaited<ReturnType<LocalCluster['troubles']>>,
): readonly string[] => {
  if (!processes.some(({ kind, isAlive }) => kind === 'jobmanager' && isAlive)) {
    return [
      'no JobManager leads: none lives; "millrace cluster stop", then "millrace cluster start" goes on with the jobs',
    ];
  }
  return troubles.length === 0
    ? ['no JobManager leads; their logs do not say why: an election takes some seconds, ask again']
    : ['no JobManager leads', ...troubles.map(({ name, at, text }) => `${name} said at ${at}: ${text}`)];
};
