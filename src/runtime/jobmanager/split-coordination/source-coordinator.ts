import { MillraceError } from '../../../foundation/common/errors.ts';
import type { OperatorId } from '../../../foundation/common/ids.ts';
import type { EnumeratorDecision, Split } from '../../../pipeline/connectors/source.ts';
import type { ReaderReport, TaskCommand } from '../../protocol/task-commands.ts';
import { AssignmentTracker } from './assignment-tracker.ts';
import type { EnumeratorRequest, EnumeratorResult } from './enumerator-messages.ts';
import { SourceRecovery } from './source-recovery.ts';

/** What a checkpoint keeps of one source, plain data. */
export interface EnumeratorSnapshot {
  /** Whether discovery was complete. */
  readonly discovered: boolean;
  readonly state: unknown;
  /** Splits that the enumerator gave to readers which were not there. */
  readonly undelivered: readonly Split[];
}

/** A command for the reader in one subtask. */
export interface ReaderCommand {
  readonly subtask: number;
  readonly command: TaskCommand;
}

export interface SourceCoordinatorOptions {
  readonly operatorId: OperatorId;
  readonly config: unknown;
  readonly parallelism: number;
}

type Assignments = NonNullable<EnumeratorDecision['assign']>;

/** An answer of the enumerator, and what it answers. */
interface Answered {
  readonly request: EnumeratorRequest;
  /** The last call that the enumerator knew of. */
  readonly knowing: number;
  readonly result: EnumeratorResult;
}

/**
 * The JobManager's side of one source (R4): knows which readers are there, what is on its way to them, and what has to come
 * back when one of them starts anew. The enumerator is elsewhere and answers later; what it decides after its snapshot is
 * held until the trigger of that checkpoint has been sent. A decision core: requests and commands come out.
 */
export class SourceCoordinator {
  readonly #options: SourceCoordinatorOptions;
  readonly #tracker = new AssignmentTracker();
  readonly #registered = new Set<number>();
  /** Readers that failed, or were never started. */
  readonly #gone: Set<number>;
  /** What waits for its reader, in order. */
  readonly #undelivered = new Map<number, Split[]>();
  readonly #finished = new Set<number>();
  /** Readers whose end the restored checkpoint covers: they never come. */
  readonly #ended = new Set<number>();
  /** By subtask: no call before this one told of its last start. */
  readonly #startedAt = new Map<number, number>();
  /** What goes back to the enumerator, until it has it; by the request. */
  readonly #returning = new Map<EnumeratorRequest, readonly Split[]>();
  #requests: EnumeratorRequest[] = [];
  #discovered = false;
  #discovery: { readonly everyMs: number | undefined } | undefined;
  #snapshot: { readonly state: unknown; readonly held: Answered[] } | undefined;
  #recovery: SourceRecovery | undefined;

  constructor(options: SourceCoordinatorOptions) {
    this.#options = options;
    this.#gone = new Set(Array.from({ length: options.parallelism }, (_, subtask) => subtask));
  }

  /** Whether there is something to find now; after each discovery again, `discoverEveryMs` later. */
  get wantsDiscovery(): boolean {
    return this.#discovery !== undefined && (!this.#discovered || this.#discovery.everyMs !== undefined);
  }

  get discoverEveryMs(): number | undefined {
    return this.#discovery?.everyMs;
  }

  /** Readers of a leader before this one may go on: the enumerator waits until it is known of each whether it does. */
  recovering(subtasks: readonly number[], snapshot: unknown, completedId: number): void {
    subtasks.forEach((subtask) => this.#gone.delete(subtask));
    this.#recovery = new SourceRecovery(subtasks, snapshot as EnumeratorSnapshot | undefined, completedId);
  }

  /** Whether the request waits for the end of the recovery. */
  postpones(request: EnumeratorRequest): boolean {
    return this.#recovery?.postpone(request) === true;
  }

  /** The subtask goes on, or has ended. `report`: its reader, if that has registered. */
  readerReported(subtask: number, report: ReaderReport | undefined, hasEnded = false): ReaderCommand[] {
    if (hasEnded) {
      this.#ended.add(subtask);
    }
    const recovery = this.#recovery;
    if (recovery === undefined) {
      return report === undefined ? [] : this.#reconnected(subtask, report);
    }
    if (report !== undefined) {
      this.#registered.add(subtask);
    }
    if (report?.noMoreSplits === true) {
      this.#finished.add(subtask);
    }
    this.#tracker.adopt(subtask, recovery.reported(subtask, report));
    this.#endRecovery(recovery);
    return [];
  }

  /** Messages may have been lost on the way: what the reader does not have comes again (R15). */
  #reconnected(subtask: number, { accepted, requests, noMoreSplits }: ReaderReport): ReaderCommand[] {
    const ids = new Set(accepted.map(({ split }) => (split as Split).id));
    const { operatorId } = this.#options;
    if (!this.#registered.has(subtask)) {
      const held = accepted.map(({ split }) => split as Split);
      const { commands, request } = this.readerRegistered(subtask, held);
      this.#requests.push(request);
      Array.from({ length: requests }, () => this.#requests.push({ kind: 'split-requested', subtask }));
      return [...commands];
    }
    const splits = this.#tracker.assignedTo(subtask).filter(({ id }) => !ids.has(id));
    // Requests that the enumerator has not answered yet are repeated, which it bears.
    for (let missing = requests - splits.length; missing > 0; missing--) {
      this.#requests.push({ kind: 'split-requested', subtask });
    }
    const commands: ReaderCommand[] = [];
    if (splits.length > 0) {
      commands.push({ subtask, command: { kind: 'splits', operatorId, splits } });
    }
    if (this.#finished.has(subtask) && !noMoreSplits) {
      commands.push({ subtask, command: { kind: 'no-more-splits', operatorId } });
    }
    return commands;
  }

  /** R4: nothing is assigned before every reader is intact or started anew. */
  #endRecovery(recovery: SourceRecovery): void {
    if (recovery.isOver) {
      this.#recovery = undefined;
      this.#requests.push(this.#openRequest(recovery.snapshot, recovery.assigned), ...recovery.requests);
    }
  }

  readerRegistered(
    subtask: number,
    held: readonly Split[],
  ): { readonly commands: readonly ReaderCommand[]; readonly request: EnumeratorRequest } {
    this.#registered.add(subtask);
    const waiting = this.#undelivered.get(subtask) ?? [];
    this.#undelivered.delete(subtask);
    const commands = this.#carryOut({ assign: [{ subtask, splits: waiting }] });
    return { commands, request: { kind: 'reader-registered', subtask, held } };
  }

  /** To be sent after each `answered`, `release`, `readerReported` and `readersRestarted`. */
  takeRequests(): readonly EnumeratorRequest[] {
    const requests = this.#requests;
    this.#requests = [];
    return requests;
  }

  /** The enumerator answered, with anything but a snapshot or a failure. Throws BAD_JOB when the answer makes no sense. */
  answered(request: EnumeratorRequest, knowing: number, result: EnumeratorResult): ReaderCommand[] {
    const answered = { request, knowing, result };
    if (this.#snapshot !== undefined) {
      this.#snapshot.held.push(answered);
      return [];
    }
    return this.#apply(answered);
  }

  /** What the enumerator decides from now on waits for `triggered` and `release`, or for `release` alone. */
  snapshotTaken(state: unknown): void {
    this.#snapshot = { state, held: [] };
  }

  /** In the same step the trigger of this checkpoint is sent; then comes `release`. */
  triggered(checkpointId: number): EnumeratorSnapshot {
    this.#tracker.triggered(checkpointId);
    return {
      discovered: this.#discovered,
      state: this.#snapshot?.state,
      undelivered: [...this.#returning.values(), ...this.#undelivered.values()].flat(),
    };
  }

  release(): ReaderCommand[] {
    const held = this.#snapshot?.held ?? [];
    this.#snapshot = undefined;
    return held.flatMap((answered) => this.#apply(answered));
  }

  completed(checkpointId: number): void {
    this.#tracker.completed(checkpointId);
  }

  /** Readers that are gone: what is assigned to them waits for the next ones. */
  readersFailed(subtasks: readonly number[]): void {
    for (const subtask of subtasks) {
      this.#gone.add(subtask);
      this.#registered.delete(subtask);
      this.#finished.delete(subtask);
    }
  }

  /**
   * Readers start anew from the newest completed checkpoint. If no other reader is there, so does the enumerator, from
   * `snapshot`; else what they got since that checkpoint goes back to the enumerator. `nextCall`: its number. `ended`: those
   * of them that only commit.
   */
  readersRestarted(
    subtasks: readonly number[],
    snapshot: unknown,
    nextCall: number,
    ended: readonly number[] = [],
  ): EnumeratorRequest | undefined {
    this.readersFailed(subtasks);
    subtasks.forEach((subtask) => this.#ended.delete(subtask));
    ended.forEach((subtask) => this.#ended.add(subtask));
    const isNew = this.#gone.size === this.#options.parallelism;
    for (const subtask of subtasks) {
      this.#gone.delete(subtask);
      this.#startedAt.set(subtask, nextCall);
    }
    if (isNew) {
      this.#recovery = undefined;
      return this.#open(snapshot as EnumeratorSnapshot | undefined);
    }
    const recovery = this.#recovery;
    if (recovery !== undefined) {
      // What it reported goes back with the snapshot that the enumerator is opened with, and must not come back later once more.
      subtasks.forEach((subtask) => this.#tracker.takeBack(subtask));
      subtasks.forEach((subtask) => recovery.startedAnew(subtask));
      this.#endRecovery(recovery);
      return undefined;
    }
    if (ended.length > 0) {
      this.#requests.push({ kind: 'readers-ended', subtasks: ended });
    }
    const splits = subtasks.flatMap((subtask) => this.#tracker.takeBack(subtask));
    return splits.length === 0 ? undefined : { kind: 'splits-returned', splits };
  }

  #open(snapshot: EnumeratorSnapshot | undefined): EnumeratorRequest {
    for (let subtask = 0; subtask < this.#options.parallelism; subtask++) {
      this.#tracker.takeBack(subtask);
    }
    this.#undelivered.clear();
    this.#returning.clear();
    this.#requests = [];
    return this.#openRequest(snapshot, []);
  }

  #openRequest(snapshot: EnumeratorSnapshot | undefined, assigned: readonly Split[]): EnumeratorRequest {
    const { config, parallelism } = this.#options;
    this.#snapshot = undefined;
    this.#discovery = undefined;
    this.#discovered = snapshot?.discovered ?? false;
    const returned = snapshot?.undelivered ?? [];
    const ended = [...this.#ended];
    return { kind: 'open', config, parallelism, state: snapshot?.state, returned, assigned, ended };
  }

  #apply({ request, knowing, result }: Answered): ReaderCommand[] {
    if (result.kind === 'opened') {
      this.#discovery = result.discovers ? { everyMs: result.discoverEveryMs } : undefined;
      return this.#carryOut(result.decision);
    }
    if (result.kind !== 'decided') {
      return [];
    }
    if (request.kind === 'discover') {
      this.#discovered = true;
    }
    this.#returning.delete(request);
    const { noMoreSplits = [] } = result.decision;
    const assign = this.#withoutEnded(request, result.decision.assign ?? []);
    // Said to an attempt that is gone: the next one may get what comes back from it.
    const isCurrent = (subtask: number): boolean => (this.#startedAt.get(subtask) ?? 0) <= knowing;
    const hadEnded = request.kind === 'reader-registered' && this.#finished.has(request.subtask);
    const ended = hadEnded ? [...new Set([...noMoreSplits, request.subtask])] : noMoreSplits;
    return this.#carryOut({ assign, noMoreSplits: ended.filter(isCurrent) });
  }

  /**
   * A request for a split may arrive after its reader heard that there are no more, twice or late, and by then another
   * reader's splits may have come back: the reader has ended, or is about to, and would lose what it got now.
   */
  #withoutEnded(request: EnumeratorRequest, assign: Assignments): Assignments {
    const isLost = ({ subtask }: Assignments[number]): boolean =>
      request.kind === 'split-requested' && request.subtask === subtask && this.#finished.has(subtask);
    const splits = assign.filter(isLost).flatMap((lost) => lost.splits);
    if (splits.length > 0) {
      const back: EnumeratorRequest = { kind: 'splits-returned', splits };
      this.#returning.set(back, splits);
      this.#requests.push(back);
    }
    return assign.filter((each) => !isLost(each));
  }

  #carryOut(decision: EnumeratorDecision): ReaderCommand[] {
    const { operatorId } = this.#options;
    const commands: ReaderCommand[] = [];
    for (const { subtask, splits } of decision.assign ?? []) {
      if (splits.length === 0) {
        continue;
      }
      if (this.#ended.has(subtask)) {
        throw new MillraceError('BAD_JOB', `it assigned split ${splits[0]?.id} to reader ${subtask}, which has ended`);
      }
      if (this.#registered.has(subtask)) {
        this.#tracker.assigned(subtask, splits);
        commands.push({ subtask, command: { kind: 'splits', operatorId, splits } });
      } else {
        this.#undelivered.set(subtask, [...(this.#undelivered.get(subtask) ?? []), ...splits]);
      }
    }
    for (const subtask of decision.noMoreSplits ?? []) {
      this.#finished.add(subtask);
      if (this.#registered.has(subtask)) {
        commands.push({ subtask, command: { kind: 'no-more-splits', operatorId } });
      }
    }
    return commands;
  }
}
