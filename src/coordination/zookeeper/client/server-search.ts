import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { codeOf, messageOf } from '../../../foundation/common/errors.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { ServerName } from './connect-string.ts';
import type { ServerAddress, Transport } from './transport.ts';

export interface ServerSearchOptions {
  readonly servers: readonly ServerName[];
  readonly transport: Transport;
  /** Of the session: what was granted, until then what was asked for. */
  readonly timeoutMs: () => number;
  /** The longest that one server is waited for; `undefined`: as the session timeout allows. */
  readonly connectionTimeoutMs: number | undefined;
  /** Between rounds: the first pause, and how long they grow. */
  readonly retryPauseMs: { readonly first: number; readonly longest: number };
  readonly clock: Clock;
  readonly random: Random;
  /** A name has no address now. */
  readonly unresolved: (host: string, problem: string) => void;
}

export type Found = (server: ServerAddress, handshakeTimeoutMs: number) => void;

/**
 * Which server is tried next, and when. A round takes each once, in a new random order; names are resolved when it is their turn, so
 * that one name in front of an ensemble that moves is enough. After a round without success there is a pause that grows. After one
 * with a server that said nothing in time there is more time for each, as a slow ensemble would never be reached else; servers that refuse
 * are not slow, and a session must not wait for its end at the first that hangs after them.
 */
export class ServerSearch {
  readonly #options: ServerSearchOptions;
  #names: ServerName[] = [];
  #addresses: ServerAddress[] = [];
  /** Rounds without success. */
  #rounds = 0;
  /** Those of them in which a server was silent. */
  #slowRounds = 0;
  /** A server of this round was. */
  #hasSilentServer = false;
  #isFirst = true;
  #last: ServerAddress | undefined;
  /** What was lost a moment ago comes last in the next round. */
  #lost: ServerAddress | undefined;
  #timer: TimerHandle | undefined;
  /** Changes with each call, so that what an earlier one began ends in nothing. */
  #turn: object = {};

  constructor(options: ServerSearchOptions) {
    this.#options = options;
  }

  /** Calls `found` once, perhaps at once. */
  next(found: Found): void {
    this.stop();
    if (this.#addresses.length === 0 && this.#names.length === 0) {
      this.#beginRound();
      if (!this.#isFirst) {
        this.#rounds++;
        this.#slowRounds += this.#hasSilentServer ? 1 : 0;
        this.#hasSilentServer = false;
        this.#timer = this.#options.clock.after(this.#pauseMs(), () => this.#take(found));
        return;
      }
      this.#isFirst = false;
    }
    this.#take(found);
  }

  /** The server that was found last did not welcome the session in time. */
  wasSilent(): void {
    this.#hasSilentServer = true;
  }

  /** The server that was found last was good for something, and is lost: a new round starts at once, with the others. */
  worked(): void {
    this.#lost = this.#last;
    this.#rounds = 0;
    this.#slowRounds = 0;
    this.#hasSilentServer = false;
    this.#isFirst = true;
    this.#names = [];
    this.#addresses = [];
  }

  stop(): void {
    this.#turn = {};
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #take(found: Found): void {
    const address = this.#addresses.shift();
    if (address !== undefined) {
      this.#last = address;
      const { timeoutMs, connectionTimeoutMs = Number.POSITIVE_INFINITY } = this.#options;
      found(address, Math.min(connectionTimeoutMs, (timeoutMs() * Math.min(3, 1 + this.#slowRounds)) / 3));
      return;
    }
    const name = this.#names.shift();
    if (name === undefined) {
      this.next(found);
      return;
    }
    void this.#resolve(name, found);
  }

  async #resolve({ host, port }: ServerName, found: Found): Promise<void> {
    const { transport, clock, timeoutMs, random } = this.#options;
    const turn = (this.#turn = {});
    const goOn = (addresses: readonly string[]): void => {
      if (this.#turn === turn) {
        this.stop();
        this.#addresses = shuffled(addresses, random).map((address) => ({ address, port, host }));
        this.#take(found);
      }
    };
    this.#timer = clock.after(timeoutMs() / 3, () => goOn([]));
    try {
      goOn(await transport.resolve(host));
    } catch (error) {
      this.#options.unresolved(host, codeOf(error) ?? messageOf(error));
      goOn([]);
    }
  }

  #beginRound(): void {
    const names = shuffled(this.#options.servers, this.#options.random);
    const isLast = ({ host, port }: ServerName): boolean => host === this.#lost?.host && port === this.#lost.port;
    this.#names = [...names.filter((name) => !isLast(name)), ...names.filter(isLast)];
    this.#lost = undefined;
  }

  #pauseMs(): number {
    const { timeoutMs, retryPauseMs, random } = this.#options;
    const longestMs = Math.min(retryPauseMs.longest, timeoutMs() / 4);
    const pauseMs = Math.min(longestMs, retryPauseMs.first * 2 ** Math.min(this.#rounds - 1, 16));
    return pauseMs * (0.5 + random.next() / 2);
  }
}

const shuffled = <T>(items: readonly T[], random: Random): T[] => {
  const shuffling = [...items];
  for (let end = shuffling.length - 1; end > 0; end--) {
    const other = random.int(end + 1);
    [shuffling[end], shuffling[other]] = [shuffling[other]!, shuffling[end]!];
  }
  return shuffling;
};
