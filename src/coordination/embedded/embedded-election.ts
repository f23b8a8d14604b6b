import { assert } from '../../foundation/common/assert.ts';
import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { MillraceError, type ErrorInfo } from '../../foundation/common/errors.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { Candidacy, Contender, LeaderElection, SuspicionOutcome } from '../leader-election.ts';
import type { LeaderInformation, Leadership } from '../leadership.ts';
import { leadershipLost } from '../records/store-errors.ts';
import type { Subscription } from '../subscription.ts';
import { newUuid } from '../uuid.ts';
import { ElectionCore, type ElectionAction, type ElectionEvent, type Errand } from './election-core.ts';
import type { Lease } from './lease.ts';
import type { LeaseRenewer } from './lease-renewer.ts';
import type { LeaseStandIn } from './lease-stand-in.ts';
import type { Transaction } from './log-entry.ts';
import type { TransactionResult } from './store-state.ts';
import type { TransactionLog } from './transaction-log.ts';

export interface EmbeddedElectionOptions {
  readonly log: TransactionLog;
  readonly lease: Lease;
  readonly renewer: LeaseRenewer;
  /** `undefined`: nobody gives signs of life while this thread is held up. */
  readonly standIn?: LeaseStandIn | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

export class EmbeddedElection implements LeaderElection {
  readonly #options: EmbeddedElectionOptions;
  #candidacy: EmbeddedCandidacy | undefined;

  constructor(options: EmbeddedElectionOptions) {
    this.#options = options;
  }

  async join(contender: Contender): Promise<Candidacy> {
    assert(this.#candidacy === undefined, 'a process has one candidacy');
    const candidacy = new EmbeddedCandidacy(this.#options, contender);
    this.#candidacy = candidacy;
    try {
      await candidacy.start();
    } catch (error) {
      candidacy.end();
      this.#candidacy = undefined;
      throw error;
    }
    return candidacy;
  }

  /** A write under that epoch was answered; it left at that time: a sign of life as good as a renewal. */
  answered(epoch: number, sentAtMs: number): void {
    this.#candidacy?.answered(epoch, sentAtMs);
  }

  async close(): Promise<void> {
    await this.#candidacy?.leave().catch(() => undefined);
  }
}

const SIGNS_OF_LIFE: ReadonlySet<Transaction['kind']> = new Set(['claim', 'publish', 'raise', 'renew']);

/** Carries out what the core decides. */
class EmbeddedCandidacy implements Candidacy {
  readonly #options: EmbeddedElectionOptions;
  readonly #contender: Contender;
  readonly #core: ElectionCore;
  readonly #watch: Subscription;
  #timer: TimerHandle | undefined;
  #hasLeft = false;

  constructor(options: EmbeddedElectionOptions, contender: Contender) {
    this.#options = options;
    this.#contender = contender;
    this.#core = new ElectionCore(contender.endpoints.instanceId, options.lease);
    this.#watch = options.log.watch(() => this.#stepView());
  }

  /** Resolves when the queue has it. */
  async start(): Promise<void> {
    await this.#options.log.refresh();
    const outcome = await this.#append(this.#queueTransaction());
    if (outcome === undefined) {
      throw new MillraceError('STORE_AWAY', 'the HA store does not take a place in its queue', { retryable: true });
    }
    this.#stepView();
  }

  get leadership(): Leadership | undefined {
    return this.#core.leadership;
  }

  get isCertain(): boolean {
    this.#hearStandIn();
    return this.#core.isCertain(this.#options.clock.monotonic());
  }

  get leader(): LeaderInformation | undefined {
    return this.#options.log.state.leader;
  }

  get queuePosition(): number | undefined {
    return this.#core.queuePosition(this.#options.clock.monotonic());
  }

  async publish(leadership: Leadership): Promise<void> {
    await this.#changeAsLeader(leadership, { kind: 'publish', epoch: leadership.epoch }, 'publish its address');
  }

  async suspect(leader: Leadership): Promise<SuspicionOutcome> {
    const { log, clock } = this.#options;
    // What was written before this call is no sign of life after it.
    await log.refresh();
    if (leader.lineage !== log.state.lineage || !log.state.leads(leader.epoch)) {
      return { outcome: 'ended' };
    }
    assert(this.#core.leadership?.epoch !== leader.epoch, 'nobody suspects itself');
    const remainingMs = this.#core.fastWayClosedForMs(clock.monotonic());
    if (remainingMs > 0) {
      return { outcome: 'backing-off', remainingMs };
    }
    const result = await this.#append(this.#claimTransaction(log.state.expectedClaim, 'suspected'));
    if (result === undefined) {
      throw new MillraceError('STORE_AWAY', 'the HA store does not say whether the claim has ended', {
        retryable: true,
      });
    }
    return { outcome: result.kind === 'applied' || !log.state.leads(leader.epoch) ? 'ended' : 'alive' };
  }

  async raise(leadership: Leadership, above: number): Promise<void> {
    const { random, clock } = this.#options;
    await this.#changeAsLeader(
      leadership,
      { kind: 'raise', epoch: leadership.epoch, above, sessionId: newUuid(random), atMs: clock.now() },
      `raise its epoch above ${above}`,
    );
  }

  async resign(): Promise<void> {
    const leadership = this.#core.leadership;
    if (leadership === undefined) {
      return;
    }
    this.#step({ kind: 'wish', wish: 'resigned' });
    const result = await this.#append({ kind: 'resign', epoch: leadership.epoch });
    if (result === undefined) {
      throw new MillraceError('STORE_AWAY', 'the HA store does not say whether leadership was given up', {
        retryable: true,
      });
    }
  }

  async leave(): Promise<void> {
    if (this.#hasLeft) {
      return;
    }
    this.#step({ kind: 'wish', wish: 'left' });
    const result = await this.#append({ kind: 'leave', instanceId: this.#contender.endpoints.instanceId });
    this.end();
    if (result === undefined) {
      const leadership = this.#core.leadership;
      if (leadership !== undefined) {
        queueMicrotask(() => this.#contender.revoked(leadership, 'left'));
      }
      throw new MillraceError(
        'STORE_AWAY',
        'the HA store does not answer; this process leads no longer, its claim ends with the lease',
        { retryable: true },
      );
    }
  }

  answered(epoch: number, sentAtMs: number): void {
    this.#step({ kind: 'answered', epoch, sentAtMs });
  }

  /** Nothing is done or heard any more. */
  end(): void {
    this.#hasLeft = true;
    this.#stopRenewing();
    this.#timer?.cancel();
    this.#watch.end();
  }

  async #changeAsLeader(leadership: Leadership, transaction: Transaction, what: string): Promise<void> {
    let failure: ErrorInfo | undefined;
    const result = await this.#append(transaction, (error) => {
      failure = error;
    });
    if (result === undefined) {
      throw new MillraceError('STORE_AWAY', `cannot ${what}: ${failure?.message ?? 'no answer'}`, {
        cause: failure,
        retryable: true,
      });
    }
    if (result.kind !== 'applied') {
      throw leadershipLost(leadership, what);
    }
  }

  /** `undefined`: not known. */
  async #append(
    transaction: Transaction,
    failed: (error: ErrorInfo) => void = () => undefined,
  ): Promise<TransactionResult | undefined> {
    const { log } = this.#options;
    const outcome = await log.append(transaction);
    if (outcome.kind === 'undecided') {
      failed(outcome.error);
      return undefined;
    }
    const { claim } = log.state;
    const isSign = SIGNS_OF_LIFE.has(transaction.kind);
    const isOwn = claim?.endpoints.instanceId === this.#contender.endpoints.instanceId;
    if (isSign && isOwn && outcome.result.kind === 'applied') {
      this.#step({ kind: 'answered', epoch: claim.leadership.epoch, sentAtMs: outcome.sentAtMs });
    }
    return outcome.result;
  }

  #stepView(): void {
    const { claim, queue, falseAlarms, expectedClaim, leader } = this.#options.log.state;
    this.#step({ kind: 'view', view: { claim, queue, falseAlarms, expectedClaim, leader } });
  }

  #step(event: ElectionEvent): void {
    if (this.#hasLeft) {
      return;
    }
    if (event.kind === 'answered') {
      this.#options.standIn?.answered();
    }
    this.#hearStandIn();
    this.#advance(event);
  }

  /** What was written for this thread while it was held up counts before what it is late for: else it would step down for nothing. */
  #hearStandIn(): void {
    const answer = this.#options.standIn?.takeAnswer();
    if (answer !== undefined && !this.#hasLeft) {
      this.#advance({ kind: 'answered', ...answer });
    }
  }

  #advance(event: ElectionEvent): void {
    const { clock } = this.#options;
    for (const action of this.#core.step(event, { monotonicMs: clock.monotonic(), wallMs: clock.now() })) {
      this.#carryOut(action);
    }
    this.#timer?.cancel();
    const nextMs = this.#core.nextTimeMs;
    if (nextMs !== Number.POSITIVE_INFINITY) {
      this.#timer = clock.after(nextMs - clock.monotonic(), () => this.#step({ kind: 'time' }));
    }
  }

  #carryOut(action: ElectionAction): void {
    switch (action.kind) {
      case 'look':
        return void this.#look();
      case 'queue':
        return void this.#write('queue', this.#queueTransaction());
      case 'claim':
        return void this.#write('claim', this.#claimTransaction(action.expected, action.cause));
      case 'drop':
        return void this.#write('drop', action);
      case 'confirm':
        return void this.#write('confirm', { kind: 'renew', epoch: action.epoch });
      case 'renew':
        return this.#renew(action.leadership);
      case 'stop-renewing':
        return this.#stopRenewing();
      default:
        // Never from within a call of the candidacy, nor of the log.
        queueMicrotask(() => this.#tell(action));
    }
  }

  #tell(action: Exclude<ElectionAction, { kind: Errand | 'renew' | 'stop-renewing' }>): void {
    switch (action.kind) {
      case 'revoked':
        return this.#contender.revoked(action.leadership, action.reason);
      case 'leader-changed':
        return this.#contender.leaderChanged?.(action.leader);
      default:
        return this.#contender[action.kind](action.leadership);
    }
  }

  async #write(action: Exclude<Errand, 'look'>, transaction: Transaction): Promise<void> {
    const startedAtMs = this.#options.clock.monotonic();
    const isAnswered = (await this.#append(transaction)) !== undefined;
    this.#step({ kind: 'done', action, isAnswered, startedAtMs });
  }

  async #look(): Promise<void> {
    const startedAtMs = this.#options.clock.monotonic();
    let isAnswered = true;
    try {
      await this.#options.log.refresh();
    } catch {
      // The store is away: its health says so, the next look is soon.
      isAnswered = false;
    }
    this.#step({ kind: 'done', action: 'look', isAnswered, startedAtMs });
  }

  #renew(leadership: Leadership): void {
    const { epoch } = leadership;
    this.#options.renewer.start(leadership, (sentAtMs) => this.#step({ kind: 'answered', epoch, sentAtMs }));
    this.#options.standIn?.start(epoch);
  }

  #stopRenewing(): void {
    this.#options.renewer.stop();
    this.#options.standIn?.stop();
  }

  #queueTransaction(): Transaction {
    return { kind: 'queue', endpoints: this.#contender.endpoints, atMs: this.#options.clock.now() };
  }

  #claimTransaction(
    expected: Extract<Transaction, { kind: 'claim' }>['expected'],
    cause: 'vacant' | 'expired' | 'suspected',
  ): Transaction {
    const { clock, random } = this.#options;
    const { endpoints } = this.#contender;
    return { kind: 'claim', endpoints, sessionId: newUuid(random), atMs: clock.now(), expected, cause };
  }
}
