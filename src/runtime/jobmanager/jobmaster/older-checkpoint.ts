import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import type { CheckpointId, JobId } from '../../../foundation/common/ids.ts';
import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import type { AttemptReport } from '../../protocol/task-commands.ts';
import type { RestoreBan } from '../checkpoint-coordinator/restore-ban.ts';
import { subtaskName } from '../scheduler/execution-graph.ts';
import type { RestorePlan } from '../scheduler/restore-plan.ts';
import type { Execution } from './execution.ts';

/** A complete checkpoint that is of no use. */
export interface BrokenCheckpoint {
  readonly checkpointId: CheckpointId;
  readonly error: ErrorInfo;
}

/** A task that goes on under a new leader. */
export interface AdoptedExecution {
  readonly execution: Execution;
  /** As its TaskManager told it. */
  readonly report: AttemptReport | undefined;
}

/** Broken as R5 has it, not away. */
const BROKEN: ReadonlySet<string> = new Set(['CHECKPOINT_BROKEN', 'CHECKPOINT_NEWER_VERSION', 'CHECKPOINT_MISMATCH']);

export const isBroken = ({ code }: ErrorInfo): boolean => code !== undefined && BROKEN.has(code);

/** What of a task's failure says that the checkpoint is broken from which it was to start. */
export const brokenState = (error: ErrorInfo | undefined): ErrorInfo | undefined =>
  error === undefined || (isBroken(error) && error.code !== 'CHECKPOINT_MISMATCH') ? error : brokenState(error.cause);

export interface FallBackOptions {
  readonly jobId: JobId;
  readonly graph: JobGraph;
  /** `execution.state-recovery.allow-older-checkpoint`. */
  readonly allowOlderCheckpoint?: boolean;
}

const sinksOf = ({ vertices }: JobGraph): readonly { readonly name: string; readonly bearsRepeats: boolean }[] =>
  vertices.flatMap(({ operators }) =>
    operators.flatMap(({ name, sink }) => (sink === undefined ? [] : [{ name, bearsRepeats: sink.bearsRepeats }])),
  );

/** Whether a job starts from an older checkpoint than its newest without asking anybody. */
export const mayFallBack = ({ graph, allowOlderCheckpoint }: FallBackOptions): boolean => {
  const sinks = sinksOf(graph);
  return allowOlderCheckpoint === true || (sinks.length > 0 && sinks.every(({ bearsRepeats }) => bearsRepeats));
};

/** `older`: what it could start from. */
export const banOf = (
  { jobId, graph }: FallBackOptions,
  { checkpointId, error }: BrokenCheckpoint,
  older: CheckpointId | undefined,
): RestoreBan => ({
  aboveId: checkpointId,
  reason: `checkpoint ${checkpointId}, the newest, cannot be used: ${error.message}`,
  choices:
    `mend it and run "millrace retry ${jobId}", or ` +
    (older === undefined
      ? `cancel the job and start it from a savepoint, for there is no older checkpoint that can be used`
      : `set execution.state-recovery.allow-older-checkpoint: true for the JobManagers to start from checkpoint ${older}: ` +
        repeats(graph, older, checkpointId)),
});

export const fallingBack = ({ jobId, graph }: FallBackOptions, ban: RestoreBan, older: CheckpointId): string =>
  `Job ${graph.name} (${jobId}) falls back to checkpoint ${older}: ${ban.reason}; ${repeats(graph, older, ban.aboveId)}`;

/** Which output comes twice. */
export const repeats = (graph: JobGraph, older: number, newest: number): string => {
  const sinks = sinksOf(graph);
  const names = sinks.length === 0 ? 'its sinks' : sinks.map(({ name }) => `"${name}"`).join(', ');
  return `output since checkpoint ${older}, which checkpoints up to ${newest} committed, is written again to ${names}`;
};

/** Why the job cannot go on without its newest checkpoint, although its tasks run. */
export const cannotGoOn = (ban: RestoreBan, what: string): string => `${ban.reason}; and ${what}: ${ban.choices}`;

/** What is not known of tasks that go on, if the enumerators go on from what `plan` restores; `restoredId`: what a task started from. */
export const unknownSince = (
  tasks: readonly AdoptedExecution[],
  plan: RestorePlan | undefined,
  restoredId: number,
): string | undefined => {
  const since = plan?.point.metadata.checkpointId ?? 0;
  const where = since === 0 ? 'the start of the job' : `checkpoint ${since}`;
  const isKnown = ({ report }: AdoptedExecution): boolean =>
    report === undefined || report.readers.length === 0 || (report.acceptedSince ?? Infinity) <= since;
  const ended = tasks.find(
    ({ execution: { state, subtask } }) => state === 'FINISHED' && plan?.finished.has(subtask.index) !== true,
  );
  if (ended !== undefined) {
    return `task "${subtaskName(ended.execution.subtask)}" has ended since ${where} with state that only a later one has`;
  }
  return restoredId > since || !tasks.every(isKnown)
    ? `nobody knows all that its sources read since ${where}`
    : undefined;
};
