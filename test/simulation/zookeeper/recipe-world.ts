import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import type { ModelClient } from './model-client.ts';
import { ModelWorld } from './model-world.ts';

export const SESSION_MS = 3_000;

/** A client that faults can strike. */
export interface StruckClient {
  readonly client: ModelClient;
  isCutOff: boolean;
}

/** Clients on an ensemble that lags behind and is struck by faults, for schedules that a seed decides. */
export class RecipeWorld extends ModelWorld {
  readonly struck = new Set<StruckClient>();
  readonly #chance: Random;
  #isCalm = true;

  constructor(seed: number) {
    super(seed, { lagMs: (random) => random.next() * 20 });
    this.#chance = seededRandom(seed + 7);
  }

  struckClient(): StruckClient {
    const struck: { client: ModelClient; isCutOff: boolean } = {
      client: this.client(SESSION_MS, () => !struck.isCutOff),
      isCutOff: false,
    };
    this.struck.add(struck);
    return struck;
  }

  /** Names of the nodes in that folder, as the ensemble's leader has them. */
  namesIn(path: string): readonly string[] {
    return [...(this.ensemble.tree.get(path)?.children ?? [])];
  }

  /** Faults strike from now on; they end, and all that was struck is whole again, after that time. */
  strike(forMs: number): void {
    const untilMs = this.time.monotonic() + forMs;
    this.#isCalm = false;
    const next = (): void => {
      if (this.time.monotonic() > untilMs) {
        this.#heal();
        return;
      }
      this.#fault();
      this.time.after(this.#chance.next() * 250, next);
    };
    next();
  }

  get isCalm(): boolean {
    return this.#isCalm;
  }

  #fault(): void {
    const all = [...this.struck].filter(({ client }) => client.state === 'connecting' || client.state === 'connected');
    const one = all[this.#chance.int(all.length)];
    const server = this.ensemble.servers[this.#chance.int(3)]!;
    const id = one?.client.session?.id;
    const dice = this.#chance.next();
    if (one === undefined) {
      return;
    }
    if (dice < 0.6) {
      one.client.breakConnection();
    } else if (dice < 0.75 && id !== undefined) {
      this.ensemble.breakConnection(id, this.#chance.int(1 + this.ensemble.onTheWay(id)));
    } else if (dice < 0.8 && id !== undefined) {
      this.ensemble.expire(id);
    } else if (dice < 0.9) {
      one.isCutOff = true;
      // Sometimes for longer than its session lives.
      this.time.after(this.#chance.next() * 1.5 * SESSION_MS, () => {
        one.isCutOff = false;
      });
    } else if (dice < 0.95) {
      this.ensemble.isolate(server);
      this.time.after(this.#chance.next() * SESSION_MS, () => this.ensemble.rejoin(server));
    } else if (dice < 0.97) {
      this.ensemble.away();
      this.time.after(this.#chance.next() * SESSION_MS, () => this.ensemble.back());
    }
  }

  #heal(): void {
    this.ensemble.back();
    this.ensemble.servers.forEach((server) => this.ensemble.rejoin(server));
    this.struck.forEach((one) => {
      one.isCutOff = false;
    });
    this.#isCalm = true;
  }
}

export const bytes = (text: string): Uint8Array => Buffer.from(text);
export const textOf = (data: Uint8Array): string => Buffer.from(data).toString();
