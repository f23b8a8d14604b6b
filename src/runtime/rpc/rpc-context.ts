import type { Clock } from '../../foundation/common/clock.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { Hello } from './hello.ts';
import type { RpcLimits } from './rpc-limits.ts';

/** What every connection of a process shares. */
export interface RpcContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: RpcLimits;
  /** Asked at each hello: the leadership that a process knows of changes. */
  self(): Hello;
}
