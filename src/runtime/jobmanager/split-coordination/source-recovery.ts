import type { Split } from '../../../pipeline/connectors/source.ts';
import type { AcceptedSplit, ReaderReport } from '../../protocol/task-commands.ts';
import type { EnumeratorRequest } from './enumerator-messages.ts';
import type { EnumeratorSnapshot } from './source-coordinator.ts';

/**
 * A source whose readers may have gone on without a leader (R4): its enumerator is opened from the newest completed
 * checkpoint when it is known of each reader what it got since then, or that it starts anew.
 */
export class SourceRecovery {
  readonly snapshot: EnumeratorSnapshot | undefined;
  readonly #completedId: number;
  readonly #awaited: Set<number>;
  readonly #reports = new Map<number, ReaderReport>();
  readonly #postponed: EnumeratorRequest[] = [];

  constructor(subtasks: readonly number[], snapshot: EnumeratorSnapshot | undefined, completedId: number) {
    this.#awaited = new Set(subtasks);
    this.snapshot = snapshot;
    this.#completedId = completedId;
  }

  get isOver(): boolean {
    return this.#awaited.size === 0;
  }

  /** What the checkpoint does not cover from which the enumerator goes on; its TaskManager may know of older ones. */
  reported(subtask: number, report: ReaderReport | undefined): readonly AcceptedSplit[] {
    this.#awaited.delete(subtask);
    if (report === undefined) {
      return [];
    }
    const accepted = report.accepted.filter(({ afterCheckpoint }) => afterCheckpoint >= this.#completedId);
    this.#reports.set(subtask, { ...report, accepted });
    return accepted;
  }

  startedAnew(subtask: number): void {
    this.#awaited.delete(subtask);
    this.#reports.delete(subtask);
  }

  postpone(request: EnumeratorRequest): boolean {
    this.#postponed.push(request);
    return true;
  }

  get assigned(): readonly Split[] {
    return [...this.#reports.values()].flatMap(({ accepted }) => accepted.map(({ split }) => split as Split));
  }

  /** For the enumerator, once it is open: readers that are there, what they asked the leader before, what came since. */
  get requests(): readonly EnumeratorRequest[] {
    const reports = [...this.#reports];
    return [
      ...reports.map(([subtask, { accepted }]) => ({
        kind: 'reader-registered' as const,
        subtask,
        held: accepted.map(({ split }) => split as Split),
      })),
      ...reports.flatMap(([subtask, { requests }]) =>
        Array.from({ length: requests }, () => ({ kind: 'split-requested' as const, subtask })),
      ),
      ...this.#postponed,
    ];
  }
}
