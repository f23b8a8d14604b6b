import { assert } from '../../foundation/common/assert.ts';
import type { Clock } from '../../foundation/common/clock.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { Candidacy, Contender, LeaderElection, RevocationReason, SuspicionOutcome } from '../leader-election.ts';
import type { LeaderRetrieval } from '../leader-retrieval.ts';
import { isSameLeadership, type LeaderInformation, type Leadership } from '../leadership.ts';
import { leadershipLost } from '../records/store-errors.ts';
import type { Subscription } from '../subscription.ts';
import { newUuid } from '../uuid.ts';

export interface SingleElectionOptions {
  readonly lineage: string;
  /** The first epoch granted: above that of what the process goes on from. */
  readonly firstEpoch: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Of the one contender there is: granted when it joins. Also tells who leads. */
export class SingleElection implements LeaderElection, LeaderRetrieval {
  readonly #options: SingleElectionOptions;
  readonly #listeners = new Set<(leader: LeaderInformation | undefined) => void>();
  #epoch: number;
  #contender: Contender | undefined;
  #leader: LeaderInformation | undefined;

  constructor(options: SingleElectionOptions) {
    this.#options = options;
    this.#epoch = options.firstEpoch - 1;
  }

  get current(): LeaderInformation | undefined {
    return this.#leader?.isPublished === true ? this.#leader : undefined;
  }

  read(): Promise<LeaderInformation | undefined> {
    return Promise.resolve(this.current);
  }

  watch(listener: (leader: LeaderInformation | undefined) => void): Subscription {
    const own = (leader: LeaderInformation | undefined): void => listener(leader);
    this.#listeners.add(own);
    own(this.current);
    return { end: () => this.#listeners.delete(own) };
  }

  leads(leadership: Leadership): boolean {
    return isSameLeadership(this.#leader?.leadership, leadership);
  }

  async join(contender: Contender): Promise<Candidacy> {
    assert(this.#contender === undefined, 'a process has one candidacy');
    this.#contender = contender;
    this.#grant(contender);
    return this.#candidacy();
  }

  #candidacy(): Candidacy {
    const leader = (): LeaderInformation | undefined => this.#leader;
    return {
      get leadership() {
        return leader()?.leadership;
      },
      get isCertain() {
        return leader() !== undefined;
      },
      get leader() {
        return leader();
      },
      queuePosition: undefined,
      publish: (leadership) => this.#publish(leadership),
      suspect: (suspected) => this.#suspect(suspected),
      raise: async (leadership, above) => {
        this.#require(leadership, `raise its epoch above ${above}`);
        this.#epoch = Math.max(this.#epoch, above);
        this.#end('raised');
      },
      resign: async () => this.#end('resigned'),
      leave: async () => this.#end('left'),
    };
  }

  async #publish(leadership: Leadership): Promise<void> {
    this.#set({ ...this.#require(leadership, 'publish its address'), isPublished: true });
  }

  async #suspect(leadership: Leadership): Promise<SuspicionOutcome> {
    assert(!this.leads(leadership), 'nobody suspects itself');
    return { outcome: 'ended' };
  }

  #require(leadership: Leadership, what: string): LeaderInformation {
    if (this.#leader === undefined || !this.leads(leadership)) {
      throw leadershipLost(leadership, what);
    }
    return this.#leader;
  }

  #grant(contender: Contender): void {
    const { lineage, random, clock } = this.#options;
    const leadership = { lineage, epoch: ++this.#epoch, sessionId: newUuid(random), grantedAtMs: clock.now() };
    this.#set({ leadership, endpoints: contender.endpoints, isPublished: false, falseAlarms: 0 });
    queueMicrotask(() => contender.granted(leadership));
  }

  #end(reason: RevocationReason): void {
    const contender = this.#contender;
    const ended = this.#leader;
    if (contender === undefined || ended === undefined) {
      return;
    }
    this.#set(undefined);
    queueMicrotask(() => contender.revoked(ended.leadership, reason));
    if (reason !== 'left') {
      this.#grant(contender);
    }
  }

  #set(leader: LeaderInformation | undefined): void {
    const before = this.current;
    this.#leader = leader;
    queueMicrotask(() => this.#contender?.leaderChanged?.(leader));
    const now = this.current;
    if (before !== now) {
      this.#listeners.forEach((listener) => listener(now));
    }
  }
}
