import type { LeaderEndpoints, LeaderInformation } from '../../coordination/leadership.ts';
import { MillraceError } from '../../foundation/common/errors.ts';

/** NOT_LEADER, retryable, which names who leads instead, as far as `own` knows. */
export const notLeader = (
  own: LeaderEndpoints,
  leader: LeaderInformation | undefined,
  cause: unknown,
): MillraceError => {
  const who =
    leader === undefined || leader.endpoints.instanceId === own.instanceId
      ? 'nobody does now'
      : `${leader.endpoints.restAddress} (${leader.endpoints.rpcAddress}) does`;
  const message = `the JobManager ${own.rpcAddress} does not lead, ${who}; ask again`;
  return new MillraceError('NOT_LEADER', message, { retryable: true, cause });
};
