import type { ErrorInfo } from '../foundation/common/errors.ts';
import type { RescaledPlan, RescaleTargets } from '../runtime/jobmanager/dispatcher/job-starter.ts';
import type { JobProgram } from '../runtime/protocol/task-commands.ts';

/** What a thread that draws a job anew is started with. */
export interface RescalePlanRequest {
  readonly program: JobProgram;
  readonly targets: RescaleTargets;
}

/** The one thing that it says. */
export type RescalePlanAnswer =
  | { readonly kind: 'planned'; readonly plan: RescaledPlan }
  | { readonly kind: 'refused'; readonly error: ErrorInfo };
