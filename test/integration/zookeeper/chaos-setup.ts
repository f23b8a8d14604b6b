import { QUORUM_VARIABLE } from '../../chaos/store-of-cluster.ts';
import { Ensemble } from './ensemble.ts';

let ensemble: Ensemble | undefined;

/** One ensemble for all clusters of the run. Rejects with the command that installs what is missing. */
export const setup = async (): Promise<void> => {
  ensemble = await Ensemble.start();
  process.env[QUORUM_VARIABLE] = ensemble.connectString;
};

export const teardown = async (): Promise<void> => {
  await ensemble?.stop();
};
