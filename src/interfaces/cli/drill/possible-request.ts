import { MillraceError } from '../../../foundation/common/errors.ts';
import type { NetworkCuts } from '../local-cluster.ts';
import type { DrillRequest } from './drill-request.ts';

/** What is one action of several is left out where it cannot be done, and said once. Errors: UNSUPPORTED when nothing is left. */
export const possibleRequest = async (
  request: DrillRequest,
  cuts: Pick<NetworkCuts, 'obstacle'>,
  say: (line: string) => void,
): Promise<DrillRequest> => {
  const obstacle = request.actions.includes('cut') ? await cuts.obstacle() : undefined;
  if (obstacle === undefined) {
    return request;
  }
  const actions = request.actions.filter((action) => action !== 'cut');
  if (actions.length === 0) {
    throw new MillraceError('UNSUPPORTED', `--action cut: ${obstacle}`);
  }
  say(`cut is left out: ${obstacle}`);
  return { ...request, actions };
};
