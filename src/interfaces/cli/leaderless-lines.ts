import type { ClusterProcess, LocalCluster } from './local-cluster.ts';

/** That nobody leads, and why as far as it is known. `obstacle`: why whoever led last cannot be reached. */
export const leaderlessLines = (
  processes: readonly ClusterProcess[],
  troubles: Awaited<ReturnType<LocalCluster['troubles']>>,
  obstacle?: string,
): readonly string[] => {
  if (!processes.some(({ kind, isAlive }) => kind === 'jobmanager' && isAlive)) {
    return ['no JobManager leads: none lives'];
  }
  const said = troubles.map(({ name, at, text }) => `${name} said at ${at}: ${text}`);
  if (obstacle !== undefined) {
    return [`who leads, if anybody does, cannot be asked: ${obstacle}`, ...said];
  }
  return said.length === 0
    ? ['no JobManager leads; their logs do not say why: an election takes some seconds, ask again']
    : ['no JobManager leads', ...said];
};
