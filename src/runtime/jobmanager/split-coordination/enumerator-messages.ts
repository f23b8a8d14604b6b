import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { OperatorId } from '../../../foundation/common/ids.ts';
import type { EnumeratorDecision, Split } from '../../../pipeline/connectors/source.ts';

/** What the JobMaster asks of the enumerator of a source; plain data that can travel. */
export type EnumeratorRequest =
  /**
   * In place of the one before, if there is one. `returned`: what was on its way to readers when `state` was taken.
   * `assigned`: what readers that go on got since then (R4).
   */
  | {
      readonly kind: 'open';
      readonly config: unknown;
      readonly parallelism: number;
      readonly state: unknown;
      readonly returned: readonly Split[];
      readonly assigned: readonly Split[];
      /** Readers that had ended when `state` was taken. */
      readonly ended: readonly number[];
    }
  | { readonly kind: 'discover' }
  | { readonly kind: 'reader-registered'; readonly subtask: number; readonly held: readonly Split[] }
  | { readonly kind: 'split-requested'; readonly subtask: number }
  | { readonly kind: 'splits-returned'; readonly splits: readonly Split[] }
  | { readonly kind: 'readers-ended'; readonly subtasks: readonly number[] }
  | { readonly kind: 'snapshot'; readonly checkpointId: number }
  | { readonly kind: 'checkpoint-completed'; readonly checkpointId: number };

/** Calls of one source are carried out in the order in which they were sent. */
export interface EnumeratorCall {
  /** Counted up over all calls of the job. */
  readonly call: number;
  readonly operatorId: OperatorId;
  readonly request: EnumeratorRequest;
}

export type EnumeratorResult =
  /** `discovers`: it has something to find; again that long after each time, with `discoverEveryMs`. */
  | {
      readonly kind: 'opened';
      readonly decision: EnumeratorDecision;
      readonly discovers: boolean;
      readonly discoverEveryMs: number | undefined;
    }
  | { readonly kind: 'decided'; readonly decision: EnumeratorDecision }
  | { readonly kind: 'snapshot'; readonly state: unknown }
  | { readonly kind: 'failed'; readonly error: ErrorInfo };

/** One for each call, in their order, except that `discover` is answered when it is done. */
export interface EnumeratorAnswer {
  readonly call: number;
  /** The last call that was known when this was decided: a discovery decides when it is done, after later calls. */
  readonly knowing: number;
  readonly result: EnumeratorResult;
}
