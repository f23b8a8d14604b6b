import { assert } from '../../foundation/common/assert.ts';
import type { TimerHandle } from '../../foundation/common/clock.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Candidacy, Contender, SuspicionOutcome } from '../leader-election.ts';
import { isSameLeadership, type LeaderInformation, type Leadership } from '../leadership.ts';
import { leadershipLost } from '../records/store-errors.ts';
import type { Subscription } from '../subscription.ts';
import { newUuid } from '../uuid.ts';
import { ElectionCore, type ElectionAction, type ElectionEvent, type Errand } from './election-core.ts';
import { claimOf, type LeaderClaim } from './leader-claim.ts';
import type { LeaderView } from './leader-folder.ts';
import { LeaderWrites, type Written } from './leader-writes.ts';
import { sessionLeaseOf } from './session-lease.ts';
import { storeCall } from './store-call.ts';
import type { ZooKeeperElectionOptions } from './zookeeper-election.ts';

/** So often something is tried that met another state than it expected. */
const ATTEMPTS = 10;
const GUID_DIGITS = 16;

type Outcome = Extract<ElectionEvent, { kind: 'done' }>['outcome'];

/** Carries out what the core decides. */
export class ZooKeeperCandidacy implements Candidacy {
  readonly #options: ZooKeeperElectionOptions;
  readonly #contender: Contender;
  readonly #writes: LeaderWrites;
  readonly #core = new ElectionCore();
  readonly #subscriptions: readonly Subscription[];
  readonly #queued: Promise<void>;
  #isQueued: () => void = () => undefined;
  #timer: TimerHandle | undefined;
  #leaving: Promise<void> | undefined;
  #hasLeft = false;

  constructor(options: ZooKeeperElectionOptions, contender: Contender) {
    this.#options = options;
    this.#contender = contender;
    this.#writes = new LeaderWrites(options.paths, contender.endpoints);
    this.#queued = new Promise((resolve) => {
      this.#isQueued = resolve;
    });
    const { keeper, folder } = options;
    this.#subscriptions = [
      keeper.listen((event) => {
        if (event === 'connected') {
          this.#connected();
        } else {
          this.#step({ kind: event });
        }
      }),
      folder.listen(() => this.#stepView()),
    ];
    if (keeper.isConnected) {
      this.#connected();
    }
  }

  /** Resolves when the store has its place in the queue, or it has left. */
  queued(): Promise<void> {
    return this.#queued;
  }

  get leadership(): Leadership | undefined {
    return this.#core.leadership;
  }

  get isCertain(): boolean {
    return this.#core.isCertain(this.#options.clock.monotonic());
  }

  get leader(): LeaderInformation | undefined {
    return this.#options.folder.leader;
  }

  get queuePosition(): number | undefined {
    return this.#core.queuePosition;
  }

  claimOf(leadership: Leadership): LeaderClaim | undefined {
    const { folder, keeper, paths } = this.#options;
    const { view } = folder;
    const isCurrent = isSameLeadership(this.#core.leadership, leadership) && !this.#hasLeft;
    return isCurrent && view?.session === keeper.number && isOf(view, leadership)
      ? claimOf(view, keeper.client, paths)
      : undefined;
  }

  publish(leadership: Leadership): Promise<void> {
    const what = 'publish its address';
    return this.#asLeader(leadership, what, (claim, view) => this.#writes.publish(claim, view));
  }

  raise(leadership: Leadership, above: number): Promise<void> {
    return this.#asLeader(leadership, `raise its epoch above ${above}`, async (claim, view) => {
      const epoch = Math.max(view.epoch.epoch, above) + 1;
      return this.#writes.grant(claim.client, view, this.#newLeadership(view, epoch));
    });
  }

  async suspect(leader: Leadership): Promise<SuspicionOutcome> {
    const { folder, keeper, clock } = this.#options;
    assert(!isSameLeadership(this.#core.leadership, leader), 'nobody suspects itself');
    const holds = (view: LeaderView): boolean => isOf(view, leader) && view.latches.includes(view.epoch.latch);
    // Where it was seen to lead, and who it is, that will do for the first attempt: the write is carried out only where it is still so.
    let seen = folder.view;
    if (seen?.session !== keeper.number || !holds(seen) || seen.information?.latch !== seen.epoch.latch) {
      seen = undefined;
    }
    for (let left = ATTEMPTS; left > 0; left--) {
      const view = seen ?? (await folder.look());
      seen = undefined;
      if (!holds(view)) {
        return { outcome: 'ended' };
      }
      const remainingMs = this.#core.fastWayClosedForMs(clock.monotonic());
      if (remainingMs > 0) {
        return { outcome: 'backing-off', remainingMs };
      }
      const epoch = view === folder.view && view.own !== undefined ? this.#core.nextEpoch : undefined;
      const next = epoch === undefined ? undefined : this.#newLeadership(view, epoch);
      const sentAtMs = clock.monotonic();
      const written = await storeCall(() => this.#writes.suspect(keeper.client, view, next));
      if (written.ok) {
        folder.wrote(written.view);
        if (next === undefined) {
          // For the next in the queue.
          folder.look().catch(() => undefined);
        } else {
          this.#step({ kind: 'answered', epoch: next.epoch, sentAtMs });
        }
        return { outcome: 'ended' };
      }
    }
    throw changesTooOften();
  }

  async resign(): Promise<void> {
    if (this.#core.leadership !== undefined) {
      this.#step({ kind: 'wish', wish: 'resigned' });
      await this.#giveUp();
    }
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  answered(epoch: number, sentAtMs: number): void {
    this.#step({ kind: 'answered', epoch, sentAtMs });
  }

  async #leave(): Promise<void> {
    this.#step({ kind: 'wish', wish: 'left' });
    try {
      await this.#giveUp();
    } finally {
      this.#hasLeft = true;
      this.#timer?.cancel();
      this.#subscriptions.forEach((one) => one.end());
      const { leadership } = this.#core;
      if (leadership !== undefined) {
        queueMicrotask(() => this.#contender.revoked(leadership, 'left'));
      }
      this.#isQueued();
    }
  }

  /** Repeated until nothing of it is left in the queue: a place that nobody looks after would be in the way of those behind it. */
  async #giveUp(): Promise<void> {
    const { folder, keeper } = this.#options;
    for (let left = ATTEMPTS; left > 0; left--) {
      if (!keeper.isConnected) {
        throw new MillraceError('STORE_AWAY', 'ZooKeeper cannot be reached; the claim ends with the session', {
          retryable: true,
        });
      }
      const view = await folder.look();
      const isGone = await storeCall(() => this.#writes.leave(keeper.client, view));
      if (isGone) {
        folder.own(undefined);
        return;
      }
    }
    throw changesTooOften();
  }

  async #asLeader(
    leadership: Leadership,
    what: string,
    write: (claim: LeaderClaim, view: LeaderView) => Promise<Written>,
  ): Promise<void> {
    const { folder, clock } = this.#options;
    for (let left = ATTEMPTS; left > 0; left--) {
      const { view } = folder;
      const claim = this.claimOf(leadership);
      if (view === undefined || claim === undefined) {
        throw leadershipLost(leadership, what);
      }
      const sentAtMs = clock.monotonic();
      const written = await storeCall(() => write(claim, view));
      if (written.ok) {
        folder.wrote(written.view);
        this.#step({ kind: 'answered', epoch: written.view.epoch.epoch, sentAtMs });
        return;
      }
      await folder.look();
    }
    throw changesTooOften();
  }

  #connected(): void {
    const { session } = this.#options.keeper.client;
    if (session !== undefined) {
      this.#step({ kind: 'connected', lease: sessionLeaseOf(session.timeoutMs) });
    }
  }

  #stepView(): void {
    const { folder, keeper } = this.#options;
    const { view, leader, health } = folder;
    if (health?.state === 'broken' && health.error.code === 'STORE_REPLACED') {
      this.#step({ kind: 'replaced' });
    } else if (view?.session === keeper.number) {
      const { latches, own, epoch, suspicions } = view;
      const { lineage, sessionId, grantedAtMs } = epoch;
      const grant = { leadership: { lineage, epoch: epoch.epoch, sessionId, grantedAtMs }, latch: epoch.latch };
      this.#step({ kind: 'view', view: { latches, own: own?.name, grant, suspicions, leader } });
      if (own !== undefined) {
        this.#isQueued();
      }
    }
  }

  #step(event: ElectionEvent): void {
    if (this.#hasLeft) {
      return;
    }
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
        return void this.#errand('look', async () => {
          await this.#options.folder.look();
          return 'seen';
        });
      case 'queue':
        return void this.#errand('queue', (view) => this.#queue(view));
      case 'claim':
        return void this.#errand('claim', (view) => this.#claim(view, action.epoch));
      case 'confirm':
        return void this.#errand('confirm', () => this.#confirm(action.epoch));
      default:
        // Never from within a call of the candidacy, nor of the client.
        queueMicrotask(() => this.#tell(action));
    }
  }

  #tell(action: Exclude<ElectionAction, { kind: Errand }>): void {
    switch (action.kind) {
      case 'revoked':
        return this.#contender.revoked(action.leadership, action.reason);
      case 'leader-changed':
        return this.#contender.leaderChanged?.(action.leader);
      default:
        return this.#contender[action.kind](action.leadership);
    }
  }

  /** What comes of it when the session has ended meanwhile is nobody's business any more. */
  async #errand(action: Errand, run: (view: LeaderView) => Promise<Outcome>): Promise<void> {
    const { keeper, folder } = this.#options;
    const { number } = keeper;
    let outcome: Outcome = 'failed';
    try {
      const { view } = folder;
      outcome = action !== 'look' && view?.session !== number ? 'unseen' : await run(view!);
    } catch {
      // The store is away: its health says so, and a look shows what came of it.
    }
    if (number === keeper.number) {
      this.#step({ kind: 'done', action, outcome });
    }
  }

  async #queue(view: LeaderView): Promise<Outcome> {
    const { folder, keeper, random, clock } = this.#options;
    // An earlier place, if there was one, is gone: its name is never looked for again.
    const prefix = `latch-${random.hex(GUID_DIGITS)}-`;
    folder.own(prefix);
    await this.#writes.queue(keeper.client, view, prefix, clock.now());
    return 'unseen';
  }

  async #claim(view: LeaderView, epoch: number): Promise<Outcome> {
    const { folder, keeper, clock } = this.#options;
    if (view.own === undefined) {
      return 'unseen';
    }
    const sentAtMs = clock.monotonic();
    const written = await this.#writes.grant(keeper.client, view, this.#newLeadership(view, epoch));
    if (!written.ok) {
      return 'unseen';
    }
    folder.wrote(written.view);
    this.#step({ kind: 'answered', epoch, sentAtMs });
    return 'seen';
  }

  async #confirm(epoch: number): Promise<Outcome> {
    const { folder, keeper, paths, clock } = this.#options;
    const claim = folder.view && claimOf(folder.view, keeper.client, paths);
    if (claim === undefined || claim.epoch !== epoch) {
      return 'unseen';
    }
    const sentAtMs = clock.monotonic();
    if (!(await this.#writes.confirm(claim))) {
      return 'unseen';
    }
    this.#step({ kind: 'answered', epoch, sentAtMs });
    return 'seen';
  }

  #newLeadership({ epoch: { lineage } }: LeaderView, epoch: number): Leadership {
    const { random, clock } = this.#options;
    return { lineage, epoch, sessionId: newUuid(random), grantedAtMs: clock.now() };
  }
}

const isOf = ({ epoch }: LeaderView, leadership: Leadership): boolean =>
  epoch.lineage === leadership.lineage && epoch.epoch === leadership.epoch;

const changesTooOften = (): MillraceError =>
  new MillraceError('STORE_AWAY', 'the HA store changed again and again while it was being changed', {
    retryable: true,
  });
