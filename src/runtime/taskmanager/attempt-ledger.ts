import type { ErrorInfo } from '../../foundation/common/errors.ts';
import { attemptId, compareGenerations, type AttemptId, type AttemptRef } from '../../foundation/common/ids.ts';
import type { OperatorId } from '../../foundation/common/ids.ts';
import type {
  AcceptedSplit,
  AttemptReport,
  TaskCommand,
  TaskDeployment,
  TaskReport,
  TaskState,
} from '../protocol/task-commands.ts';

interface ReaderEntry {
  /** By the id of the split. */
  readonly accepted: Map<unknown, AcceptedSplit>;
  requests: number;
  noMoreSplits: boolean;
}

interface Entry {
  readonly attempt: AttemptRef;
  readonly slot: number;
  state: TaskState;
  error: ErrorInfo | undefined;
  ended: boolean;
  /** A stop ended its input: a restore goes on with it. */
  drained: boolean;
  /** The newest checkpoint whose trigger went to the task. */
  triggered: number;
  readonly readers: Map<OperatorId, ReaderEntry>;
  /** The newest checkpoint that is known to be complete; what the attempt restored, at first. */
  completed: number;
  /** The highest checkpoint id that the task has heard of. */
  highest: number;
  /** Of each reader all splits since this checkpoint are there. */
  acceptedSince: number;
}

export interface LiveAttempt {
  readonly id: AttemptId;
  readonly attempt: AttemptRef;
  readonly slot: number;
}

/**
 * What a TaskManager runs, and what it was told and has told (R15): the truth from which a new leader goes on. It changes
 * before a command goes on to a task and before a report goes on to the leader. Attempts that have ended stay until their
 * job has ended or their subtask started anew.
 */
export class AttemptLedger {
  readonly #entries = new Map<AttemptId, Entry>();

  deployed({ attempt, slot, floor, restore }: TaskDeployment): void {
    for (const [id, entry] of this.#entries) {
      if (isTerminal(entry.state) && isSucceededBy(entry.attempt, attempt)) {
        this.#entries.delete(id);
      }
    }
    this.#entries.set(attemptId(attempt), {
      attempt,
      slot,
      state: 'DEPLOYING',
      error: undefined,
      ended: false,
      drained: false,
      // What it gets is covered by no checkpoint that was triggered before it was there.
      triggered: floor,
      readers: new Map(),
      completed: restore?.checkpointId ?? 0,
      highest: Math.max(floor, restore?.checkpointId ?? 0),
      acceptedSince: restore?.checkpointId ?? 0,
    });
  }

  has(attempt: AttemptId): boolean {
    return this.#entries.has(attempt);
  }

  /** It has not ended, as far as its TaskManager knows. */
  isLive(attempt: AttemptId): boolean {
    const entry = this.#entries.get(attempt);
    return entry !== undefined && !isTerminal(entry.state);
  }

  /** Those that have not ended, and their slots. */
  get live(): readonly LiveAttempt[] {
    return [...this.#entries].flatMap(([id, { attempt, slot, state }]) =>
      isTerminal(state) ? [] : [{ id, attempt, slot }],
    );
  }

  /** The slot that it runs in; `undefined` when it has ended, or never was here. */
  slotOf(attempt: AttemptId): number | undefined {
    return this.isLive(attempt) ? this.#entries.get(attempt)?.slot : undefined;
  }

  /** How it ended, as it was reported. */
  endOf(attempt: AttemptId): Extract<TaskReport, { kind: 'state' }> | undefined {
    const entry = this.#entries.get(attempt);
    if (entry === undefined || !isTerminal(entry.state)) {
      return undefined;
    }
    const { state, error } = entry;
    return { kind: 'state', attempt, state, ...(error === undefined ? {} : { error }) };
  }

  /** What is left of the command for the task: splits that the reader has are not given to it again. */
  commanded(attempt: AttemptId, command: TaskCommand): TaskCommand {
    const entry = this.#entries.get(attempt);
    if (entry === undefined) {
      return command;
    }
    switch (command.kind) {
      case 'trigger':
        entry.triggered = Math.max(entry.triggered, command.trigger.checkpointId);
        heardOf(entry, command.trigger.checkpointId);
        entry.drained ||= command.trigger.stop === 'drain' && !entry.ended;
        return command;
      case 'completed':
        completed(entry, command.checkpointId);
        heardOf(entry, command.checkpointId);
        return command;
      case 'floor':
        heardOf(entry, command.checkpointId);
        return command;
      case 'splits': {
        const reader = readerOf(entry, command.operatorId);
        const splits = command.splits.filter((split) => !reader.accepted.has(idOfSplit(split)));
        splits.forEach((split) => reader.accepted.set(idOfSplit(split), { split, afterCheckpoint: entry.triggered }));
        reader.requests = Math.max(0, reader.requests - splits.length);
        return { ...command, splits };
      }
      case 'no-more-splits':
        Object.assign(readerOf(entry, command.operatorId), { requests: 0, noMoreSplits: true });
        return command;
      case 'aborted':
      case 'cancel':
        return command;
    }
  }

  /**
   * Whether the leader is to hear of it: that a stop with drain ended the input of a source is no news to who triggered it,
   * and a later leader would take it for the end of the data.
   */
  reported(report: TaskReport): boolean {
    const entry = this.#entries.get(report.attempt);
    if (entry !== undefined) {
      this.#change(entry, report);
    }
    return report.kind !== 'ended' || entry?.drained !== true;
  }

  #change(entry: Entry, report: TaskReport): void {
    switch (report.kind) {
      case 'state':
        entry.state = report.state;
        entry.error = report.error;
        return;
      case 'ended':
        entry.ended = true;
        return;
      case 'reader-registered':
        readerOf(entry, report.operatorId);
        return;
      case 'split-request':
        readerOf(entry, report.operatorId).requests++;
        return;
      case 'acknowledge':
      case 'decline':
    }
  }

  /** The job has ended: nobody asks for its attempts any more. */
  released(job: string): void {
    for (const [id, { attempt }] of this.#entries) {
      if (attempt.job === job) {
        this.#entries.delete(id);
      }
    }
  }

  /** Nothing of what was here counts any more (R12). */
  clear(): void {
    this.#entries.clear();
  }

  get reports(): readonly AttemptReport[] {
    return [...this.#entries.values()].map(({ attempt, slot, state, error, ended, drained, ...entry }) => ({
      attempt,
      slot,
      state,
      ...(error === undefined ? {} : { error }),
      ended: ended && !drained,
      drained,
      acceptedSince: entry.acceptedSince,
      completedId: entry.completed,
      highestId: entry.highest,
      readers: [...entry.readers].map(([operatorId, { accepted, requests, noMoreSplits }]) => ({
        operatorId,
        accepted: [...accepted.values()],
        requests,
        noMoreSplits,
      })),
    }));
  }
}

export const isTerminal = (state: TaskState): boolean =>
  state === 'FINISHED' || state === 'CANCELED' || state === 'FAILED';

const isSucceededBy = (old: AttemptRef, next: AttemptRef): boolean =>
  old.job === next.job &&
  old.vertex === next.vertex &&
  old.subtask === next.subtask &&
  compareGenerations(old.generation, next.generation) < 0;

const heardOf = (entry: Entry, checkpointId: number): void => {
  entry.highest = Math.max(entry.highest, checkpointId);
};

/**
 * What was assigned before the trigger of a completed checkpoint is in the snapshot of the reader. One older is kept too: where
 * the newest turns out to be broken, the enumerator goes on from the one before it (R5). As long as nothing is forgotten, it may go
 * on from any (R12).
 */
const completed = (entry: Entry, checkpointId: number): void => {
  if (checkpointId <= entry.completed) {
    return;
  }
  const keptSince = entry.completed;
  entry.completed = checkpointId;
  for (const { accepted } of entry.readers.values()) {
    for (const [id, { afterCheckpoint }] of accepted) {
      if (afterCheckpoint < keptSince) {
        accepted.delete(id);
        entry.acceptedSince = Math.max(entry.acceptedSince, afterCheckpoint + 1);
      }
    }
  }
};

const readerOf = (entry: Entry, operatorId: OperatorId): ReaderEntry => {
  const known = entry.readers.get(operatorId);
  if (known !== undefined) {
    return known;
  }
  const reader: ReaderEntry = { accepted: new Map(), requests: 0, noMoreSplits: false };
  entry.readers.set(operatorId, reader);
  return reader;
};

/** Stable, and never assigned twice to a reader (R4). */
const idOfSplit = (split: unknown): unknown =>
  typeof split === 'object' && split !== null && 'id' in split ? split.id : split;
