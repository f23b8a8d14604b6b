import type { JobId } from '../../../foundation/common/ids.ts';
import type { RestartStrategy } from '../failover/restart-strategy.ts';
import type { ExecutionGraph } from '../scheduler/execution-graph.ts';

export interface JobCoreOptions {
  readonly jobId: JobId;
  readonly graphVersion: number;
  readonly execution: ExecutionGraph;
  readonly strategy: RestartStrategy;
  /** `region`: only what is connected with the failed task restarts. */
  readonly failover: 'region' | 'full';
  readonly epoch: number;
}
