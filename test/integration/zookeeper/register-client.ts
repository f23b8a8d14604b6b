import type { Random } from '../../../src/foundation/common/random.ts';
import type { ZooKeeperClient } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError, type ZooKeeperErrorCode } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import type { Answer, Call, History, Outcome } from '../../history/history.ts';
import { bytes, textOf } from './clients.ts';

/** Set, compared and read. */
export const LASTING = ['/chaos/a', '/chaos/b', '/chaos/c'];
/** Also created and deleted, again and again. */
export const PASSING = ['/chaos/p', '/chaos/q'];

export interface RegisterClientOptions {
  /** Of the session, in the history. */
  readonly name: string;
  readonly client: ZooKeeperClient;
  readonly history: History;
  readonly random: Random;
}

const ANSWERS: Partial<Record<ZooKeeperErrorCode, Answer>> = {
  NO_NODE: { kind: 'absent' },
  NODE_EXISTS: { kind: 'exists' },
  BAD_VERSION: { kind: 'other-version' },
};

/** Does what chance says with registers, one operation at a time, and records it. */
export class RegisterClient {
  readonly #options: RegisterClientOptions;
  /** Last heard of, to compare with. */
  readonly #versions = new Map<string, number>();
  #count = 0;
  #longestMs = 0;

  constructor(options: RegisterClientOptions) {
    this.#options = options;
  }

  /** Until one call of the client settled. */
  get longestMs(): number {
    return this.#longestMs;
  }

  async act(): Promise<void> {
    const { random } = this.#options;
    const isPassing = random.int(4) === 0;
    const register = isPassing ? PASSING[random.int(PASSING.length)]! : LASTING[random.int(LASTING.length)]!;
    const choice = random.int(isPassing ? 14 : 10);
    if (choice < 5) {
      await this.read(register, (['plain', 'synced', 'proven'] as const)[random.int(3)]!);
    } else {
      await this.#write(register, this.#draw(register, choice));
    }
  }

  async create(register: string): Promise<void> {
    await this.#write(register, { kind: 'create', value: this.#value() });
  }

  /**
   * `plain`: what the server knows, which may be the past. `synced`: after a `sync`, which may be the past too where the server leads.
   * `proven`: after a transaction that changes nothing, always fresh.
   */
  async read(register: string, how: 'plain' | 'synced' | 'proven'): Promise<void> {
    const { client } = this.#options;
    const end = this.#invoke(register, { kind: 'get', isFresh: how === 'proven' });
    const outcome = await this.#settle(async () => {
      if (how === 'synced') {
        await this.#timed(() => client.sync(register));
      } else if (how === 'proven') {
        await this.#timed(() => client.multi([{ kind: 'check', path: '/', version: -1 }]));
      }
      const { data, stat } = await this.#timed(() => client.get(register));
      return { kind: 'value', value: textOf(data), version: stat.version, changedIn: stat.modifiedIn };
    });
    end(outcome);
    if (outcome.kind === 'value') {
      this.#versions.set(register, outcome.version);
    }
  }

  #draw(register: string, choice: number): Exclude<Call, { kind: 'get' }> {
    // Mostly the version that is there.
    const version = Math.max(0, (this.#versions.get(register) ?? 0) - (this.#options.random.int(8) === 0 ? 1 : 0));
    const value = this.#value();
    switch (choice) {
      case 5:
      case 6: {
        return { kind: 'set', value };
      }
      case 7:
      case 8:
      case 9: {
        return { kind: 'set', value, version };
      }
      case 10:
      case 11: {
        return { kind: 'create', value };
      }
      case 12: {
        return { kind: 'delete', version };
      }
      default: {
        return { kind: 'delete' };
      }
    }
  }

  async #write(register: string, call: Exclude<Call, { kind: 'get' }>): Promise<void> {
    const { client } = this.#options;
    const end = this.#invoke(register, call);
    const outcome = await this.#settle(async () => {
      if (call.kind === 'delete') {
        await this.#timed(() => client.delete(register, call.version));
        return { kind: 'deleted' };
      }
      const stat = await this.#timed(async () =>
        call.kind === 'set'
          ? client.set(register, bytes(call.value), call.version)
          : (await client.create(register, bytes(call.value))).stat,
      );
      return { kind: 'written', version: stat.version, changedIn: stat.modifiedIn };
    });
    end(outcome);
    if (outcome.kind === 'written') {
      this.#versions.set(register, outcome.version);
    }
  }

  #invoke(register: string, call: Call): (outcome: Outcome) => void {
    const { history, name } = this.#options;
    return history.invoke(name, register, call);
  }

  /** Each is written once in a run. */
  #value(): string {
    return `${this.#options.name} ${this.#count++}`;
  }

  async #settle(ask: () => Promise<Answer>): Promise<Outcome> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) {
        throw error;
      }
      return ANSWERS[error.code] ?? { kind: error.mayHaveHappened ? 'unknown' : 'denied' };
    }
  }

  async #timed<T>(call: () => Promise<T>): Promise<T> {
    const startedAtMs = performance.now();
    try {
      return await call();
    } finally {
      this.#longestMs = Math.max(this.#longestMs, performance.now() - startedAtMs);
    }
  }
}
