import {
  FALSE_ALARM_BACKOFF_MAX_MS,
  FALSE_ALARM_BACKOFF_MIN_MS,
  SUSPICION_STEP_MS,
  type RevocationReason,
} from '../leader-election.ts';
import { isSameLeadership, type LeaderInformation, type Leadership } from '../leadership.ts';
import type { ExpectedClaim } from './log-entry.ts';
import type { Lease } from './lease.ts';
import type { Claim, FalseAlarms, Place } from './store-state.ts';

/** What is asked of the store, one of each at a time. */
export type Errand = 'look' | 'queue' | 'claim' | 'drop' | 'confirm';

/** What the election looks at of the store's state. */
export interface ElectionView {
  readonly claim: Claim | undefined;
  readonly queue: readonly Place[];
  readonly falseAlarms: FalseAlarms;
  readonly expectedClaim: ExpectedClaim;
  readonly leader: LeaderInformation | undefined;
}

/** The time of an event. */
export interface ElectionTime {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export type ElectionEvent =
  /** The store's state, after it changed. */
  | { readonly kind: 'view'; readonly view: ElectionView }
  /** A write of this process under that epoch was answered; it left at `sentAtMs`. */
  | { readonly kind: 'answered'; readonly epoch: number; readonly sentAtMs: number }
  /** What an action asked for has ended; `isAnswered`: its outcome is known, and in the view. */
  | {
      readonly kind: 'done';
      readonly action: Errand;
      readonly isAnswered: boolean;
      readonly startedAtMs: number;
    }
  | { readonly kind: 'time' }
  /** The end of its leadership, or of the candidacy, is its own wish. */
  | { readonly kind: 'wish'; readonly wish: 'resigned' | 'left' };

export type ElectionAction =
  | { readonly kind: 'look' }
  | { readonly kind: 'queue' }
  | { readonly kind: 'claim'; readonly expected: ExpectedClaim; readonly cause: 'vacant' | 'expired' }
  | { readonly kind: 'drop'; readonly instanceId: string; readonly seen: number }
  | { readonly kind: 'renew'; readonly leadership: Leadership }
  /** A sign of life at once: nothing that was answered says how long the claim is certain. */
  | { readonly kind: 'confirm'; readonly epoch: number }
  | { readonly kind: 'stop-renewing' }
  | { readonly kind: 'granted' | 'uncertain' | 'certain'; readonly leadership: Leadership }
  | { readonly kind: 'revoked'; readonly leadership: Leadership; readonly reason: RevocationReason }
  | { readonly kind: 'leader-changed'; readonly leader: LeaderInformation | undefined };

/** After a look or a write that failed, the next one waits so long. */
const RETRY_MS = 100;
/** Silent contenders are taken out of the queue after so many times the silence that makes others ignore them. */
const DROP_AFTER_SILENCES = 3;

interface Leading {
  readonly leadership: Leadership;
  /** When it was seen. */
  readonly sinceMs: number;
  /** On the monotonic clock; counted from answered writes. */
  certainUntilMs: number;
  phase: 'claimed' | 'certain' | 'uncertain';
}

/** The decisions of one candidate, without I/O: an event in, actions out. */
export class ElectionCore {
  readonly #instanceId: string;
  readonly #lease: Lease;
  #view: ElectionView | undefined;
  #leading: Leading | undefined;
  /** Since when the claim is as it is, by this process's clock; for a vacancy, since when there is one. */
  #unchangedSinceMs = 0;
  /** When each contender's newest sign of life was seen. */
  #signs = new Map<string, { readonly seen: number; readonly atMs: number }>();
  #queuedAtMs = Number.NEGATIVE_INFINITY;
  #fastWayClosedUntilMs = Number.NEGATIVE_INFINITY;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #steppedAtMs = 0;
  readonly #busy = new Set<Errand>();
  #wish: 'resigned' | 'left' | undefined;

  constructor(instanceId: string, lease: Lease) {
    this.#instanceId = instanceId;
    this.#lease = lease;
  }

  get leadership(): Leadership | undefined {
    return this.#leading === undefined || this.#leading.phase === 'claimed' ? undefined : this.#leading.leadership;
  }

  isCertain(monotonicMs: number): boolean {
    return this.leadership !== undefined && monotonicMs < (this.#leading?.certainUntilMs ?? 0);
  }

  /** How long suspicions are not acted on; 0: they are. */
  fastWayClosedForMs(monotonicMs: number): number {
    return Math.max(0, this.#fastWayClosedUntilMs - monotonicMs);
  }

  /** Living contenders before this one. */
  queuePosition(monotonicMs: number): number | undefined {
    const queue = this.#view?.queue ?? [];
    const own = queue.findIndex(({ endpoints }) => endpoints.instanceId === this.#instanceId);
    return own === -1 || this.#leading !== undefined
      ? undefined
      : queue.slice(0, own).filter((place) => this.#silentSinceMs(place) > monotonicMs - this.#lease.silenceMs).length;
  }

  /** When `time` is to come next, if nothing else comes before. */
  get nextTimeMs(): number {
    if (this.#view === undefined || this.#wish === 'left') {
      return Number.POSITIVE_INFINITY;
    }
    if (this.#leading !== undefined) {
      return Math.min(this.#nextOwnTimeMs(this.#leading), this.#steppedAtMs + this.#lease.silenceMs);
    }
    const isQueued = this.#isQueued(this.#view);
    // What is on its way says itself when it has ended.
    const mayClaim = isQueued && !this.#busy.has('claim') && !this.#busy.has('look');
    const claimAtMs = mayClaim ? this.#claimAtMs(this.#steppedAtMs) : Number.POSITIVE_INFINITY;
    const dueAtMs = isQueued ? this.#queuedAtMs + this.#lease.queueMs : this.#steppedAtMs;
    const queueAtMs = this.#busy.has('queue') ? Number.POSITIVE_INFINITY : dueAtMs;
    return Math.max(Math.min(claimAtMs, queueAtMs), this.#retryAtMs);
  }

  #nextOwnTimeMs({ phase, certainUntilMs, sinceMs }: Leading): number {
    if (phase === 'certain') {
      return certainUntilMs;
    }
    return phase === 'claimed' && !this.#busy.has('confirm')
      ? Math.max(sinceMs + RETRY_MS, this.#retryAtMs)
      : Number.POSITIVE_INFINITY;
  }

  step(event: ElectionEvent, time: ElectionTime): readonly ElectionAction[] {
    const actions: ElectionAction[] = [];
    this.#steppedAtMs = time.monotonicMs;
    switch (event.kind) {
      case 'view':
        this.#see(event.view, time, actions);
        break;
      case 'answered':
        this.#answered(event.epoch, event.sentAtMs, time, actions);
        break;
      case 'done':
        this.#busy.delete(event.action);
        if (!event.isAnswered) {
          this.#retryAtMs = time.monotonicMs + RETRY_MS;
        } else if (event.action === 'look') {
          this.#lookedAtMs = event.startedAtMs;
        }
        break;
      case 'wish':
        this.#wish = event.wish;
        break;
      case 'time':
        break;
    }
    this.#endCertainty(time, actions);
    if (this.#view !== undefined && this.#wish !== 'left') {
      this.#act(this.#view, time, actions);
    }
    return actions;
  }

  #see(view: ElectionView, time: ElectionTime, actions: ElectionAction[]): void {
    const before = this.#view;
    this.#view = view;
    const { epoch, renewal } = view.expectedClaim;
    if (before?.expectedClaim.epoch !== epoch || before.expectedClaim.renewal !== renewal) {
      this.#unchangedSinceMs = time.monotonicMs;
    }
    this.#seeSigns(view.queue, time);
    this.#seeFalseAlarms(before?.falseAlarms, view.falseAlarms, time);
    this.#seeClaim(view.claim, time, actions);
    const isKnown =
      before !== undefined &&
      isSameLeadership(before.leader?.leadership, view.leader?.leadership) &&
      before.leader?.isPublished === view.leader?.isPublished;
    if (!isKnown) {
      actions.push({ kind: 'leader-changed', leader: view.leader });
    }
  }

  #seeSigns(queue: readonly Place[], { monotonicMs }: ElectionTime): void {
    const signs = new Map<string, { readonly seen: number; readonly atMs: number }>();
    for (const { endpoints, seen } of queue) {
      const known = this.#signs.get(endpoints.instanceId);
      signs.set(endpoints.instanceId, known?.seen === seen ? known : { seen, atMs: monotonicMs });
    }
    this.#signs = signs;
  }

  #seeFalseAlarms(before: FalseAlarms | undefined, now: FalseAlarms, time: ElectionTime): void {
    if (now.total === (before?.total ?? 0)) {
      return;
    }
    const backoffMs = Math.min(
      FALSE_ALARM_BACKOFF_MIN_MS * 2 ** Math.max(0, now.inSeries - 1),
      FALSE_ALARM_BACKOFF_MAX_MS,
    );
    // A process that has just started goes by the wall clock, within the bounds that it knows for sure.
    const ageMs = before === undefined ? Math.min(Math.max(0, time.wallMs - now.newestAtMs), backoffMs) : 0;
    this.#fastWayClosedUntilMs = time.monotonicMs + backoffMs - ageMs;
  }

  #seeClaim(claim: Claim | undefined, { monotonicMs }: ElectionTime, actions: ElectionAction[]): void {
    const own = claim?.endpoints.instanceId === this.#instanceId ? claim.leadership : undefined;
    const leading = this.#leading;
    if (isSameLeadership(own, leading?.leadership)) {
      return;
    }
    if (leading !== undefined) {
      this.#leading = undefined;
      actions.push({ kind: 'stop-renewing' });
      if (leading.phase !== 'claimed') {
        const { leadership } = leading;
        actions.push({ kind: 'revoked', leadership, reason: this.#reason(own, claim) });
      }
      this.#queuedAtMs = Number.NEGATIVE_INFINITY;
    }
    if (own !== undefined) {
      const nothing = { certainUntilMs: Number.NEGATIVE_INFINITY, phase: 'claimed' } as const;
      this.#leading = { leadership: own, sinceMs: monotonicMs, ...nothing };
      actions.push({ kind: 'renew', leadership: own });
    }
    if (this.#wish === 'resigned') {
      this.#wish = undefined;
    }
  }

  #reason(own: Leadership | undefined, claim: Claim | undefined): RevocationReason {
    if (own !== undefined) {
      return 'raised';
    }
    return this.#wish ?? (claim?.cause === 'suspected' ? 'suspected' : 'expired');
  }

  #answered(epoch: number, sentAtMs: number, time: ElectionTime, actions: ElectionAction[]): void {
    const leading = this.#leading;
    if (leading === undefined || leading.leadership.epoch !== epoch) {
      return;
    }
    const { durationMs, marginMs } = this.#lease;
    leading.certainUntilMs = Math.max(leading.certainUntilMs, sentAtMs + durationMs - marginMs);
    if (leading.phase !== 'certain' && leading.certainUntilMs > time.monotonicMs) {
      actions.push({ kind: leading.phase === 'claimed' ? 'granted' : 'certain', leadership: leading.leadership });
      leading.phase = 'certain';
    }
  }

  #endCertainty(time: ElectionTime, actions: ElectionAction[]): void {
    const leading = this.#leading;
    if (leading?.phase === 'certain' && leading.certainUntilMs <= time.monotonicMs) {
      leading.phase = 'uncertain';
      actions.push({ kind: 'uncertain', leadership: leading.leadership });
    }
  }

  #act(view: ElectionView, { monotonicMs }: ElectionTime, actions: ElectionAction[]): void {
    if (this.#leading !== undefined) {
      this.#confirm(this.#leading, monotonicMs, actions);
      this.#dropSilent(view, monotonicMs, actions);
      return;
    }
    if (monotonicMs < this.#retryAtMs) {
      return;
    }
    const isQueued = this.#isQueued(view);
    if (!this.#busy.has('queue') && (!isQueued || monotonicMs >= this.#queuedAtMs + this.#lease.queueMs)) {
      this.#queuedAtMs = monotonicMs;
      this.#start('queue', { kind: 'queue' }, actions);
      return;
    }
    const claimAtMs = this.#claimAtMs(monotonicMs);
    if (!isQueued || this.#busy.has('claim') || this.#busy.has('look') || monotonicMs < claimAtMs) {
      return;
    }
    if (view.claim !== undefined && this.#lookedAtMs < claimAtMs) {
      // The silence may be this process's own sleep: what came meanwhile is read first.
      this.#start('look', { kind: 'look' }, actions);
      return;
    }
    const cause = view.claim === undefined ? 'vacant' : 'expired';
    this.#start('claim', { kind: 'claim', expected: view.expectedClaim, cause }, actions);
  }

  /** A claim whose write was not answered, and that is there all the same (R2), would wait for its first renewal. */
  #confirm({ phase, leadership, sinceMs }: Leading, monotonicMs: number, actions: ElectionAction[]): void {
    const isDue = monotonicMs >= Math.max(sinceMs + RETRY_MS, this.#retryAtMs);
    if (phase === 'claimed' && isDue && !this.#busy.has('confirm')) {
      this.#start('confirm', { kind: 'confirm', epoch: leadership.epoch }, actions);
    }
  }

  #dropSilent(view: ElectionView, monotonicMs: number, actions: ElectionAction[]): void {
    const before = monotonicMs - DROP_AFTER_SILENCES * this.#lease.silenceMs;
    const silent = view.queue.find((place) => this.#silentSinceMs(place) < before);
    if (silent !== undefined && !this.#busy.has('drop') && monotonicMs >= this.#retryAtMs) {
      const { endpoints, seen } = silent;
      this.#start('drop', { kind: 'drop', instanceId: endpoints.instanceId, seen }, actions);
    }
  }

  /** When this candidate claims, if nothing changes: each place in the queue waits for those before it. */
  #claimAtMs(monotonicMs: number): number {
    const waitMs = (this.queuePosition(monotonicMs) ?? 0) * SUSPICION_STEP_MS;
    const silentMs = this.#view?.claim === undefined ? 0 : this.#lease.durationMs;
    return this.#unchangedSinceMs + silentMs + waitMs;
  }

  #isQueued({ queue }: ElectionView): boolean {
    return queue.some(({ endpoints }) => endpoints.instanceId === this.#instanceId);
  }

  #silentSinceMs({ endpoints }: Place): number {
    return this.#signs.get(endpoints.instanceId)?.atMs ?? Number.NEGATIVE_INFINITY;
  }

  #start(name: Errand, action: ElectionAction, actions: ElectionAction[]): void {
    this.#busy.add(name);
    actions.push(action);
  }
}
