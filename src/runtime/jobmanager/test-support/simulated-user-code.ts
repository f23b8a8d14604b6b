import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import { foundSplitsEnumerator } from '../../../pipeline/connectors/custom/found-splits-enumerator.ts';
import { OWN_ENUMERATOR } from '../../../pipeline/connectors/source.ts';
import type { EnumeratorDecision, EnumeratorFactory, Split } from '../../../pipeline/connectors/source.ts';
import { staticSplitsEnumerator } from '../../../pipeline/connectors/static-splits-enumerator.ts';
import { EnumeratorHost } from '../split-coordination/enumerator-host.ts';
import type { EnumeratorAnswer, EnumeratorCall } from '../split-coordination/enumerator-messages.ts';
import type { UserCodeEvents, UserCodeOptions, UserCodeThread } from '../split-coordination/user-code-thread.ts';
import type { Deferrals } from './simulated-stores.ts';

type Met = (what: 'enumerator died' | 'enumerator silent') => void;

/** By far the most calls are of splits. */
const FAULT = 0.002;
const TIMEOUT_MS = 3_000;

const DEATH: ErrorInfo = { name: 'MillraceError', code: 'WORKER_DIED', message: 'the thread ended with exit code 7' };

/** Threads of user code: calls and answers are on their way for any time, each in their order; they die, or are silent. */
export const simulatedUserCode = (
  factory: EnumeratorFactory | undefined,
  world: Deferrals,
  met: Met,
): UserCodeOptions | undefined =>
  factory && {
    start: (events) => new SimulatedUserCodeThread(factory, { world, met, events }),
    timeoutMs: TIMEOUT_MS,
  };

class SimulatedUserCodeThread implements UserCodeThread {
  readonly #world: Deferrals;
  readonly #met: Met;
  readonly #events: UserCodeEvents;
  readonly #host: EnumeratorHost;
  readonly #toHost: (() => void)[] = [];
  readonly #fromHost: (() => void)[] = [];
  #state: 'running' | 'silent' | 'ended' = 'running';

  constructor(
    factory: EnumeratorFactory,
    { world, met, events }: { readonly world: Deferrals; readonly met: Met; readonly events: UserCodeEvents },
  ) {
    this.#world = world;
    this.#met = met;
    this.#events = events;
    this.#host = new EnumeratorHost({
      factoryOf: () => factory,
      answer: (answer) => {
        if (this.#state === 'running') {
          this.#travel(this.#fromHost, () => this.#events.answered(plain(answer)));
        }
      },
    });
    this.#travel(this.#fromHost, () => this.#events.ready());
  }

  send(call: EnumeratorCall): void {
    this.#travel(this.#toHost, () => this.#arrived(plain(call)));
  }

  close(): Promise<void> {
    this.#state = 'ended';
    return this.#host.close();
  }

  terminate(): Promise<void> {
    this.#state = 'ended';
    return Promise.resolve();
  }

  #arrived(call: EnumeratorCall): void {
    if (this.#state !== 'running') {
      return;
    }
    if (!this.#world.fault(2 * FAULT)) {
      this.#host.handle(call);
    } else if (call.call % 2 === 0) {
      this.#met('enumerator silent');
      this.#state = 'silent';
    } else {
      this.#met('enumerator died');
      this.#state = 'ended';
      this.#events.died(DEATH);
    }
  }

  #travel(queue: (() => void)[], arrive: () => void): void {
    queue.push(arrive);
    void this.#world.later(() => {
      const first = queue.shift();
      if (this.#state !== 'ended') {
        first?.();
      }
    });
  }
}

const plain = <V extends EnumeratorAnswer | EnumeratorCall>(message: V): V => structuredClone(message);

interface SizedSplit extends Split {
  readonly next: number;
  readonly count: number;
}

/** Our enumerator of given splits, as if a source had brought it along. */
export const ownStaticSplits: EnumeratorFactory = { ...staticSplitsEnumerator, kind: OWN_ENUMERATOR };

/** Finds these splits, as a function of a user would; ids are `s/<name>`. */
export const ownFoundSplits = (counts: ReadonlyMap<string, number>, bounded: boolean): EnumeratorFactory => {
  const found = foundSplitsEnumerator({
    name: 's',
    bounded,
    discoverEveryMs: undefined,
    find: () => Promise.resolve([...counts.keys()]),
  });
  const sized = (split: Split): SizedSplit => ({ next: 0, count: counts.get(split.id.slice(2)) ?? 0, ...split });
  const decided = ({ assign = [], ...rest }: EnumeratorDecision): EnumeratorDecision => ({
    ...rest,
    assign: assign.map(({ subtask, splits }) => ({ subtask, splits: splits.map(sized) })),
  });
  return {
    kind: OWN_ENUMERATOR,
    create: (config, parallelism, state) => {
      const inner = found.create(config, parallelism, state);
      return {
        discover: async () => (await inner.discover?.()) ?? [],
        discovered: (splits) => decided(inner.discovered(splits)),
        readerRegistered: (subtask, held) => decided(inner.readerRegistered(subtask, held)),
        splitRequested: (subtask) => decided(inner.splitRequested(subtask)),
        splitsReturned: (splits) => decided(inner.splitsReturned(splits)),
        splitsAssigned: (splits) => inner.splitsAssigned(splits),
        readersEnded: (subtasks) => inner.readersEnded?.(subtasks),
        snapshot: () => inner.snapshot(),
      };
    },
  };
};
