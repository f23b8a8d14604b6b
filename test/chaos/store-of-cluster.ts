/** Of the run: where clusters under test keep their HA store unless a test says; `test/integration/zookeeper/chaos-setup.ts` sets it. */
export const QUORUM_VARIABLE = 'MILLRACE_TEST_QUORUM';

let clusters = 0;

/** What leads the processes of a cluster to an ensemble; each call to a store of its own there. */
export const onEnsemble = (quorum: string): Readonly<Record<string, string>> => ({
  'high-availability.type': 'ZOOKEEPER',
  'high-availability.zookeeper.quorum': quorum,
  'high-availability.zookeeper.path.root': `/test-${process.pid}-${++clusters}`,
});

/** The HA store of one more cluster: on the ensemble of the run where it has one, else in the cluster's own folder. */
export const storeOfCluster = (): Readonly<Record<string, string>> => {
  const quorum = process.env[QUORUM_VARIABLE];
  return quorum === undefined ? { 'high-availability.type': 'embedded' } : onEnsemble(quorum);
};
