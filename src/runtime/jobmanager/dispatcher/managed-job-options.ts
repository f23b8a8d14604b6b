import type { JobGraphPointer } from '../../../coordination/job-graph-store.ts';
import type { ClusterStorage } from '../../../coordination/storage/cluster-storage.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import type { Fence } from '../../../foundation/common/fence.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { ResourceManager } from '../resource-manager/resource-manager.ts';
import type { EndedJobs } from './ended-jobs.ts';
import type { JobStarter } from './job-starter.ts';
import type { LoadingMarks } from './loading-marks.ts';
import type { OwnLoadingMarks } from './own-loading-marks.ts';
import type { SteadfastStores } from './steadfast-stores.ts';

export interface ManagedJobOptions {
  readonly pointer: JobGraphPointer;
  readonly fence: Fence;
  readonly stores: SteadfastStores;
  readonly storage: ClusterStorage;
  readonly starter: JobStarter;
  readonly resources: ResourceManager;
  readonly ended: EndedJobs;
  readonly ownMarks: OwnLoadingMarks;
  readonly marks: LoadingMarks;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Nothing of it is left but its result. */
  readonly removed: () => void;
}
