import type { Fence } from '../../foundation/common/fence.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import {
  jobManagerProtocol,
  taskManagerProtocol,
  type JobManagerProtocol,
  type TaskManagerProtocol,
} from '../protocol/cluster-protocol.ts';
import { accepted, type Accepted } from '../rpc/rpc-transport.ts';

/**
 * Who connects to a TaskManager says that somebody leads; `ping` answers what counts here. Commands come over the connection that
 * the TaskManager has opened itself, and are refused on this one (PROTOCOL).
 */
export const visitors = (ping: (fence: Fence) => Fence): Accepted => {
  const refuse = (): never => {
    throw new MillraceError('PROTOCOL', 'commands are taken where this TaskManager has registered, not here');
  };
  return accepted<TaskManagerProtocol, JobManagerProtocol>(
    {
      serves: taskManagerProtocol,
      calls: jobManagerProtocol,
      handlers: {
        deploy: refuse,
        command: refuse,
        releaseJob: refuse,
        ping: ({ fence }) => ({ fence: ping(fence) }),
        probe: refuse,
        heartbeat: () => {},
      },
    },
    () => {},
  );
};
