import type { Clock } from '../../../foundation/common/clock.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { systemRandom } from '../../../foundation/common/system-random.ts';
import type { MultiOperation, MultiOutcome, ZooKeeperClient } from '../client/zookeeper-client.ts';
import { ZooKeeperError, type ZooKeeperErrorCode } from '../client/zookeeper-error.ts';
import { CounterMarker } from './counter-marker.ts';
import { makeNode } from './folder.ts';
import { endOf, ifThere, isCode, isRetryable, patiently, pause, Pauses, settled } from './patience.ts';
import type { RecipeOptions } from './recipe-options.ts';

export interface CounterOptions extends RecipeOptions {
  /** So often one increment is tried where others change the counter at the same time, or no server answers. 100 unless said. */
  readonly attemptsMax?: number;
}

/** Tries that ended without an answer, each after up to twice the session timeout. */
const UNANSWERED_MAX = 3;
/** Increments of one counter that wait for the one before. */
const WAITING_MAX = 10_000;
/** Writers that met pause up to so long, at random, times their tries. */
const PAUSE_STEP_MS = 2;
const PAUSE_MAX_MS = 200;

interface Known {
  readonly value: bigint;
  readonly version: number;
}

type Attempt =
  | { readonly kind: 'done'; readonly value: bigint }
  /** It was not counted by this try, nor by one before that was answered. */
  | { readonly kind: 'met' }
  /** Nobody can tell any more. */
  | { readonly kind: 'unknown' };

/** All of one increment. */
interface Tries {
  /** The newest error of one that may have taken effect. */
  unclear: ZooKeeperError | undefined;
}

/**
 * A whole number of any size that several clients add to, each addition counted once. The node holds it in decimal digits; one that is
 * not there counts as 0.
 *
 * ```ts
 * import { connectZooKeeper, Counter, ZooKeeperError } from 'millrace/zookeeper';
 *
 * const client = connectZooKeeper({ connectString: 'zk1:2181,zk2:2181,zk3:2181' });
 * const counter = new Counter(client, '/orders/next-number');
 * try {
 *   console.log(`order ${await counter.increment()}`);
 * } catch (error) {
 *   if (error instanceof ZooKeeperError && error.mayHaveHappened) {
 *     console.log('a number may have been used up');
 *   }
 * }
 * await counter.close();
 * await client.close();
 * ```
 *
 * *What is certain*: an increment that resolves was counted once, however often the connection was lost meanwhile. One that rejects was
 * not counted, unless its error says `mayHaveHappened`: then it was counted once or not at all.
 *
 * *How*: with the counter changes, in the same `multi`, a node below it that belongs to this object alone: an ephemeral one, with a guid
 * for a name, that holds what came of the newest increment. All tries of one increment name the same version of that node, so that one
 * of them takes effect at most, in whatever order they arrive, and a try that is refused because of it proves that an earlier one did.
 * No other writer can overwrite that proof, so that an outcome stays unknown in three cases only: the session ends before it is known
 * (SESSION_EXPIRED, SESSION_CLOSED), no server answers three tries in a row, each within twice the session timeout (CONNECTION_LOSS,
 * OPERATION_TIMEOUT), or somebody deletes or changes that node in just that time (CONNECTION_LOSS, too).
 *
 * It is for some hundred increments in a second: all writers of a counter wait for each other.
 */
export class Counter implements AsyncDisposable {
  readonly #client: ZooKeeperClient;
  readonly #path: string;
  readonly #options: CounterOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  #marker: CounterMarker | undefined;
  /** As of the newest increment of this object, unless it met others. */
  #known: Known | undefined;
  /** Increments of this object, one after the other: there is one proof. */
  #newest: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;

  /** `path`: a node of its own, made with the first increment. */
  constructor(client: ZooKeeperClient, path: string, options: CounterOptions = {}) {
    this.#client = client;
    this.#path = path;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  /**
   * Adds `by`, which may be below 0, and resolves with the sum. Rejects with BAD_VERSION when it met others with each try, with
   * BAD_ARGUMENTS where the node holds no number, with THROTTLED where 10,000 increments of this object wait, with errors of the ensemble.
   */
  increment(by: bigint | number = 1n): Promise<bigint> {
    if (typeof by === 'number' && !Number.isSafeInteger(by)) {
      return Promise.reject(this.#error('BAD_ARGUMENTS', 'it is added to in whole numbers'));
    }
    if (this.#isClosed) {
      return Promise.reject(this.#error('BAD_ARGUMENTS', 'this object was closed'));
    }
    if (this.#waiting >= WAITING_MAX) {
      return Promise.reject(this.#error('THROTTLED', `${WAITING_MAX} increments wait`));
    }
    this.#waiting++;
    return this.#inTurn(() => {
      this.#waiting--;
      return this.#increment(BigInt(by));
    });
  }

  /** As of some moment after the call. Rejects with BAD_ARGUMENTS where the node holds no number, with errors of the ensemble. */
  async get(): Promise<bigint> {
    return (await settled(this.#client, this.#path, () => this.#read()))?.value ?? 0n;
  }

  /**
   * Takes its own node away, after the increments that wait; later ones reject. Without it that node is gone with the session. Rejects
   * where the ensemble does not allow it.
   */
  close(): Promise<void> {
    const wasClosed = this.#isClosed;
    this.#isClosed = true;
    return this.#inTurn(async () => {
      if (!wasClosed) {
        await this.#dropMarker();
      }
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#newest.then(run, run);
    this.#newest = turn.catch(() => undefined);
    return turn;
  }

  async #increment(by: bigint): Promise<bigint> {
    const { attemptsMax = 100 } = this.#options;
    const pauses = new Pauses(this.#clock);
    const tries: Tries = { unclear: undefined };
    let unanswered = 0;
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      try {
        const outcome = await this.#attempt(by, tries);
        if (outcome.kind === 'unknown') {
          break;
        }
        if (outcome.kind === 'done') {
          return outcome.value;
        }
        unanswered = 0;
        await pause(this.#clock, this.#random.next() * Math.min(attempt * PAUSE_STEP_MS, PAUSE_MAX_MS));
      } catch (error) {
        this.#known = undefined;
        if (!isRetryable(error) || ++unanswered === UNANSWERED_MAX) {
          throw this.#final(error, tries);
        }
        await pauses.take();
      }
    }
    throw this.#final(this.#error('BAD_VERSION', `others changed it during each of ${attemptsMax} tries`), tries);
  }

  /** What an increment rejects with. */
  #final(error: unknown, { unclear }: Tries): unknown {
    if (unclear !== undefined) {
      // A try that comes after all finds its proof gone, or counts; it is never taken for one of the next increment.
      this.#dropMarker().catch(() => undefined);
      return error instanceof ZooKeeperError && error.mayHaveHappened ? error : unclear;
    }
    return error instanceof ZooKeeperError && error.isRetryable && error.mayHaveHappened
      ? this.#error('NOT_CONNECTED', `before it was sent: ${error.message}`)
      : error;
  }

  async #attempt(by: bigint, tries: Tries): Promise<Attempt> {
    const known = (this.#known ??= await this.#readOrMake());
    const marker = (this.#marker ??= new CounterMarker(this.#client, this.#path, this.#options.acl, this.#random));
    if (!(await marker.make())) {
      return this.#met();
    }
    const value = known.value + by;
    const { version } = known;
    const change: MultiOperation = { kind: 'set', path: this.#path, data: Buffer.from(String(value)), version };
    const outcome = await this.#send([marker.change(value), change], tries);
    if (outcome.ok) {
      marker.changed();
      const [, result] = outcome.results;
      this.#known = result?.kind === 'set' ? { value, version: result.stat.version } : undefined;
      return { kind: 'done', value };
    }
    if (outcome.index === 0) {
      return this.#refusedByMarker(marker, outcome.error, tries);
    }
    if (isCode(outcome.error, 'BAD_VERSION', 'NO_NODE')) {
      return this.#met();
    }
    throw outcome.error;
  }

  async #send(operations: readonly MultiOperation[], tries: Tries): Promise<MultiOutcome> {
    try {
      return await this.#client.multi(operations);
    } catch (error) {
      if (error instanceof ZooKeeperError && error.mayHaveHappened) {
        tries.unclear = error;
      }
      throw error;
    }
  }

  /** An earlier try of this increment has taken effect, or somebody has touched what is this object's own. */
  async #refusedByMarker(marker: CounterMarker, error: ZooKeeperError, tries: Tries): Promise<Attempt> {
    if (!isCode(error, 'BAD_VERSION', 'NO_NODE')) {
      throw error;
    }
    this.#known = undefined;
    const value = tries.unclear === undefined ? undefined : await marker.proof();
    if (value !== undefined) {
      marker.changed();
      return { kind: 'done', value };
    }
    await this.#dropMarker();
    return tries.unclear === undefined ? { kind: 'met' } : { kind: 'unknown' };
  }

  #met(): Attempt {
    this.#known = undefined;
    return { kind: 'met' };
  }

  async #dropMarker(): Promise<void> {
    const marker = this.#marker;
    this.#marker = undefined;
    try {
      await patiently(this.#clock, async () => marker?.remove());
    } catch (error) {
      // It went with the session.
      if (endOf(this.#client.state, 'counter', this.#path) === undefined) {
        throw error;
      }
    }
  }

  async #readOrMake(): Promise<Known> {
    const found = await this.#read();
    if (found !== undefined) {
      return found;
    }
    await makeNode(this.#client, this.#path, Buffer.from('0'), this.#options.acl);
    return (await this.#read()) ?? { value: 0n, version: 0 };
  }

  async #read(): Promise<Known | undefined> {
    const node = await ifThere(this.#client.get(this.#path));
    if (node === undefined) {
      return undefined;
    }
    const text = Buffer.from(node.data).toString();
    if (!/^-?\d+$/.test(text)) {
      throw this.#error('BAD_ARGUMENTS', 'the node holds no whole number');
    }
    return { value: BigInt(text), version: node.stat.version };
  }

  #error(code: ZooKeeperErrorCode, detail: string): ZooKeeperError {
    return new ZooKeeperError(code, 'counter', this.#path, detail);
  }
}
