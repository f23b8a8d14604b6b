import { FALSE_ALARM_BACKOFF_MAX_MS, FALSE_ALARM_BACKOFF_MIN_MS, type RevocationReason } from '../leader-election.ts';
import { isSameLeadership, type LeaderInformation, type Leadership } from '../leadership.ts';
import type { SuspicionsNode } from './leader-nodes.ts';
import type { SessionLease } from './session-lease.ts';

/** What is asked of the ensemble, one of each at a time. */
export type Errand = 'look' | 'queue' | 'claim' | 'confirm';

/** What the election looks at. */
export interface ElectionView {
  /** Names, in the order of the queue. */
  readonly latches: readonly string[];
  /** The name of this contender's own. */
  readonly own: string | undefined;
  /** The newest grant, whether it still holds or not. */
  readonly grant: { readonly leadership: Leadership; readonly latch: string };
  readonly suspicions: SuspicionsNode;
  readonly leader: LeaderInformation | undefined;
}

export interface ElectionTime {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export type ElectionEvent =
  /** The session that a connection belongs to may be another one than before. */
  | { readonly kind: 'connected'; readonly lease: SessionLease }
  | { readonly kind: 'disconnected' }
  /** The session is over, and what it had in the queue. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'view'; readonly view: ElectionView }
  /** The store under the path is another one, or gone. */
  | { readonly kind: 'replaced' }
  /** A write that checked the grant of that epoch was answered; it left at `sentAtMs`. */
  | { readonly kind: 'answered'; readonly epoch: number; readonly sentAtMs: number }
  /** What an action asked for has ended: what came of it is in the view, or is to be looked for, soon or after a while. */
  | { readonly kind: 'done'; readonly action: Errand; readonly outcome: 'seen' | 'unseen' | 'failed' }
  | { readonly kind: 'time' }
  /** The end of its leadership, or of the candidacy, is its own wish. */
  | { readonly kind: 'wish'; readonly wish: 'resigned' | 'left' };

export type ElectionAction =
  | { readonly kind: 'look' | 'queue' }
  | { readonly kind: 'claim'; readonly epoch: number }
  /** A write that changes nothing, for the certainty that it proves. */
  | { readonly kind: 'confirm'; readonly epoch: number }
  | { readonly kind: 'granted' | 'uncertain' | 'certain'; readonly leadership: Leadership }
  | { readonly kind: 'revoked'; readonly leadership: Leadership; readonly reason: RevocationReason }
  | { readonly kind: 'leader-changed'; readonly leader: LeaderInformation | undefined };

/** After something that failed, the next attempt waits so long. */
const RETRY_MS = 100;

interface Leading {
  readonly leadership: Leadership;
  readonly sinceMs: number;
  /** The newest write that was answered left then. */
  provenAtMs: number;
  phase: 'claimed' | 'certain' | 'uncertain';
}

/** The decisions of one contender, without I/O: an event in, actions out. */
export class ElectionCore {
  #lease: SessionLease | undefined;
  #view: ElectionView | undefined;
  #leading: Leading | undefined;
  #isConnected = false;
  /** What was asked for may have happened and not be in the view. */
  #needsLook = true;
  /** Never granted again, whatever older copy the ensemble was given (I5). */
  #highestEpoch = 0;
  #fastWayClosedUntilMs = Number.NEGATIVE_INFINITY;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #steppedAtMs = 0;
  readonly #busy = new Set<Errand>();
  #wish: 'resigned' | 'left' | undefined;
  #isReplaced = false;

  get leadership(): Leadership | undefined {
    return this.#leading === undefined || this.#leading.phase === 'claimed' ? undefined : this.#leading.leadership;
  }

  isCertain(monotonicMs: number): boolean {
    return this.leadership !== undefined && monotonicMs < this.#certainUntilMs;
  }

  /** How long suspicions are not acted on; 0: they are. */
  fastWayClosedForMs(monotonicMs: number): number {
    return Math.max(0, this.#fastWayClosedUntilMs - monotonicMs);
  }

  /** Contenders before this one, all of them alive as far as the ensemble knows; without the leader. */
  get queuePosition(): number | undefined {
    const { latches = [], own, grant } = this.#view ?? {};
    const place = own === undefined ? -1 : latches.indexOf(own);
    return place === -1 || this.#leading !== undefined
      ? undefined
      : latches.slice(0, place).filter((name) => name !== grant?.latch).length;
  }

  /** The epoch to claim if the leader's claim ended now; `undefined`: another contender is next, or this one does not claim now. */
  get nextEpoch(): number | undefined {
    const isNext = this.#isConnected && !this.#isOver && this.#wish === undefined && this.queuePosition === 0;
    return isNext && !this.#needsLook && this.#busy.size === 0 ? this.#highestEpoch + 1 : undefined;
  }

  /** When `time` is to come next, if nothing else comes before. */
  get nextTimeMs(): number {
    const leading = this.#leading;
    const endsAtMs = leading?.phase === 'certain' ? this.#certainUntilMs : Number.POSITIVE_INFINITY;
    if (!this.#isConnected || this.#isOver) {
      return endsAtMs;
    }
    const errandAtMs = leading === undefined || this.#needsLook ? Number.NEGATIVE_INFINITY : this.#confirmAtMs(leading);
    const isUnderWay = this.#busy.size > 0 || (leading === undefined && !this.#needsLook && !this.#hasErrand);
    const dueAtMs = isUnderWay ? Number.POSITIVE_INFINITY : Math.max(errandAtMs, this.#retryAtMs, this.#steppedAtMs);
    return Math.min(endsAtMs, dueAtMs);
  }

  step(event: ElectionEvent, time: ElectionTime): readonly ElectionAction[] {
    const actions: ElectionAction[] = [];
    this.#steppedAtMs = time.monotonicMs;
    this.#heed(event, time, actions);
    const leading = this.#leading;
    if (leading?.phase === 'certain' && this.#certainUntilMs <= time.monotonicMs) {
      leading.phase = 'uncertain';
      actions.push({ kind: 'uncertain', leadership: leading.leadership });
    }
    if (this.#isConnected && !this.#isOver && time.monotonicMs >= this.#retryAtMs) {
      this.#act(time.monotonicMs, actions);
    }
    return actions;
  }

  #heed(event: ElectionEvent, time: ElectionTime, actions: ElectionAction[]): void {
    switch (event.kind) {
      case 'connected':
        this.#isConnected = true;
        this.#lease = event.lease;
        this.#needsLook = true;
        this.#retryAtMs = Number.NEGATIVE_INFINITY;
        return;
      case 'disconnected':
        this.#isConnected = false;
        return;
      case 'ended':
        this.#isConnected = false;
        this.#busy.clear();
        this.#needsLook = true;
        this.#view = this.#view && { ...this.#view, own: undefined };
        return this.#end('expired', actions);
      case 'view':
        return this.#see(event.view, time, actions);
      case 'replaced':
        this.#isReplaced = true;
        return this.#end('expired', actions);
      case 'answered':
        return this.#answered(event.epoch, event.sentAtMs, time, actions);
      case 'done':
        this.#busy.delete(event.action);
        this.#needsLook = event.outcome !== 'seen' || (this.#needsLook && event.action !== 'look');
        this.#retryAtMs = event.outcome === 'failed' ? time.monotonicMs + RETRY_MS : this.#retryAtMs;
        return;
      case 'wish':
        this.#wish = event.wish;
        return;
      case 'time':
        return;
    }
  }

  #see(view: ElectionView, time: ElectionTime, actions: ElectionAction[]): void {
    const before = this.#view;
    this.#view = view;
    this.#isReplaced = false;
    this.#highestEpoch = Math.max(this.#highestEpoch, view.grant.leadership.epoch);
    this.#seeFalseAlarms(before?.suspicions, view.suspicions, time);
    const { leadership, latch } = view.grant;
    // One that was over once is no grant again, though an older copy of the ensemble has it (I5).
    const isOwn = view.own !== undefined && view.own === latch && leadership.epoch === this.#highestEpoch;
    const own = isOwn ? leadership : undefined;
    if (!isSameLeadership(own, this.#leading?.leadership)) {
      this.#end(own === undefined ? 'suspected' : 'raised', actions);
      this.#leading = own && { leadership: own, sinceMs: time.monotonicMs, provenAtMs: UNPROVEN, phase: 'claimed' };
    }
    const isKnown =
      before !== undefined &&
      isSameLeadership(before.leader?.leadership, view.leader?.leadership) &&
      before.leader?.isPublished === view.leader?.isPublished;
    if (!isKnown) {
      actions.push({ kind: 'leader-changed', leader: view.leader });
    }
  }

  #seeFalseAlarms(before: SuspicionsNode | undefined, now: SuspicionsNode, time: ElectionTime): void {
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

  /** Its leadership, if it has one, is over. */
  #end(reason: RevocationReason, actions: ElectionAction[]): void {
    const leading = this.#leading;
    this.#leading = undefined;
    if (leading !== undefined && leading.phase !== 'claimed') {
      const isWish = this.#wish !== undefined && reason !== 'raised';
      actions.push({
        kind: 'revoked',
        leadership: leading.leadership,
        reason: isWish ? (this.#wish ?? reason) : reason,
      });
    }
    if (leading !== undefined && this.#wish === 'resigned') {
      this.#wish = undefined;
    }
  }

  #answered(epoch: number, sentAtMs: number, time: ElectionTime, actions: ElectionAction[]): void {
    const leading = this.#leading;
    if (leading === undefined || leading.leadership.epoch !== epoch) {
      return;
    }
    leading.provenAtMs = Math.max(leading.provenAtMs, sentAtMs);
    if (leading.phase !== 'certain' && this.#certainUntilMs > time.monotonicMs) {
      actions.push({ kind: leading.phase === 'claimed' ? 'granted' : 'certain', leadership: leading.leadership });
      leading.phase = 'certain';
    }
  }

  #act(monotonicMs: number, actions: ElectionAction[]): void {
    if (this.#needsLook) {
      if (!this.#busy.has('look')) {
        this.#start({ kind: 'look' }, actions);
      }
    } else if (this.#leading === undefined && this.#busy.size === 0 && this.#hasErrand) {
      this.#start(
        this.#view?.own === undefined ? { kind: 'queue' } : { kind: 'claim', epoch: this.#highestEpoch + 1 },
        actions,
      );
    }
    const leading = this.#leading;
    if (leading !== undefined && !this.#busy.has('confirm') && monotonicMs >= this.#confirmAtMs(leading)) {
      this.#start({ kind: 'confirm', epoch: leading.leadership.epoch }, actions);
    }
  }

  /** It is not in the queue, or the first in it. */
  get #hasErrand(): boolean {
    const { own, latches = [] } = this.#view ?? {};
    return this.#view !== undefined && (own === undefined || latches[0] === own);
  }

  /** Whoever was granted without an answer (R2) would wait for its first renewal: it is confirmed soon. */
  #confirmAtMs({ phase, sinceMs, provenAtMs }: Leading): number {
    switch (phase) {
      case 'claimed':
        return sinceMs + RETRY_MS;
      case 'certain':
        return provenAtMs + (this.#lease?.renewalMs ?? 0);
      case 'uncertain':
        return Number.NEGATIVE_INFINITY;
    }
  }

  get #certainUntilMs(): number {
    const { durationMs, marginMs } = this.#lease ?? { durationMs: 0, marginMs: 0 };
    return (this.#leading?.provenAtMs ?? UNPROVEN) + durationMs - marginMs;
  }

  get #isOver(): boolean {
    return this.#wish === 'left' || this.#isReplaced;
  }

  #start(action: Extract<ElectionAction, { kind: Errand }>, actions: ElectionAction[]): void {
    this.#busy.add(action.kind);
    actions.push(action);
  }
}

const UNPROVEN = Number.NEGATIVE_INFINITY;
