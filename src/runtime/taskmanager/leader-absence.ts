/** How long this goes on without a leader, and what is done about it. */
export interface LeaderAbsenceOptions {
  /** `taskmanager.leader-absence.timeout`: then the tasks are cancelled. */
  readonly absenceTimeoutMs: number;
  /** `taskmanager.registration.timeout`: a process that never found a leader ends after it. */
  readonly registrationTimeoutMs: number;
}

export type AbsenceAction = 'limit-alignments' | 'lift-limit' | 'cancel-tasks' | 'give-up';

/** A leader that is replaced within this time costs no checkpoint (R10). */
export const ALIGNMENT_GRACE_MS = 100;

type State =
  /** No leader has registered this process yet: it has no tasks. */
  | { readonly kind: 'new'; readonly sinceMs: number }
  | { readonly kind: 'led' }
  | { readonly kind: 'absent'; readonly sinceMs: number; readonly done: number }
  | { readonly kind: 'over' };

/** Decides what becomes of tasks while nobody leads them: they go on, for a while. */
export class LeaderAbsence {
  readonly #options: LeaderAbsenceOptions;
  #state: State;

  constructor(options: LeaderAbsenceOptions, nowMs: number) {
    this.#options = options;
    this.#state = { kind: 'new', sinceMs: nowMs };
  }

  registered(): readonly AbsenceAction[] {
    const wasLimited = this.#state.kind === 'absent' && this.#state.done > 0;
    this.#state = { kind: 'led' };
    return wasLimited ? ['lift-limit'] : [];
  }

  lost(nowMs: number): void {
    if (this.#state.kind === 'led') {
      this.#state = { kind: 'absent', sinceMs: nowMs, done: 0 };
    }
  }

  /** The clock has come to `nextMs`. */
  tick(nowMs: number): readonly AbsenceAction[] {
    const state = this.#state;
    if (state.kind === 'new' && nowMs >= this.nextMs) {
      this.#state = { kind: 'over' };
      return ['give-up'];
    }
    if (state.kind !== 'absent') {
      return [];
    }
    const due = this.#steps.filter(([, afterMs], step) => step >= state.done && nowMs >= state.sinceMs + afterMs);
    this.#state = { ...state, done: state.done + due.length };
    return due.map(([action]) => action);
  }

  /** When to call `tick`; infinite when there is nothing to wait for. */
  get nextMs(): number {
    const state = this.#state;
    if (state.kind === 'new') {
      return state.sinceMs + this.#options.registrationTimeoutMs;
    }
    const next = state.kind === 'absent' ? this.#steps[state.done] : undefined;
    return state.kind === 'absent' && next !== undefined ? state.sinceMs + next[1] : Infinity;
  }

  /** In the order of their times. */
  get #steps(): readonly (readonly [AbsenceAction, number])[] {
    const { absenceTimeoutMs } = this.#options;
    const limit = ['limit-alignments', Math.min(ALIGNMENT_GRACE_MS, absenceTimeoutMs)] as const;
    return [limit, ['cancel-tasks', absenceTimeoutMs]];
  }
}
