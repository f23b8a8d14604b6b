import type { HighAvailabilityServices } from '../coordination/high-availability-services.ts';
import type { Candidacy, Contender } from '../coordination/leader-election.ts';
import {
  isSameLeadership,
  type LeaderEndpoints,
  type LeaderInformation,
  type Leadership,
} from '../coordination/leadership.ts';
import type { Clock } from '../foundation/common/clock.ts';
import { MillraceError } from '../foundation/common/errors.ts';
import type { Random } from '../foundation/common/random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import { zooKeeperOptions } from '../foundation/config/options/zookeeper-options.ts';

export interface LeadAloneOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Its epoch is above it, and above every other. */
  readonly above: number;
}

/** Nobody is to connect: whoever leads for a piece of work is seen by standbys only. */
const NO_ADDRESS = '127.0.0.1:1';
const LEASES = 3;
const EXPIRY_MARGIN_MS = 5_000;

/**
 * Works as the leader that no JobManager is meanwhile, so that none acts on half of it. Errors: STORE_IN_USE (somebody leads),
 * LEADERSHIP_LOST and STORE_AWAY (to be repeated), those of the work.
 */
export const leadAlone = async <T>(
  services: HighAvailabilityServices,
  configuration: Configuration,
  options: LeadAloneOptions,
  work: (leadership: Leadership) => Promise<T>,
): Promise<T> => {
  const contender = new LoneContender(options);
  const candidacy = await services.election.join(contender);
  try {
    return await work(await contender.lead(candidacy, patienceMsOf(configuration)));
  } finally {
    await candidacy.leave();
  }
};

/** The claim of a process that died ends with its lease, or its session. */
const patienceMsOf = (configuration: Configuration): number =>
  configuration.get(highAvailabilityOptions.type) === 'zookeeper'
    ? configuration.get(zooKeeperOptions.sessionTimeout) + EXPIRY_MARGIN_MS
    : LEASES * configuration.get(highAvailabilityOptions.embeddedLease);

class LoneContender implements Contender {
  readonly endpoints: LeaderEndpoints;
  readonly #options: LeadAloneOptions;
  #leadership: Leadership | undefined;
  #other: LeaderInformation | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(options: LeadAloneOptions) {
    this.#options = options;
    this.endpoints = {
      instanceId: options.random.hex(32),
      rpcAddress: NO_ADDRESS,
      restAddress: `http://${NO_ADDRESS}`,
    };
  }

  granted(leadership: Leadership): void {
    this.#leadership = leadership;
    this.#wake();
  }

  uncertain(): void {}

  certain(): void {}

  revoked(leadership: Leadership): void {
    if (isSameLeadership(this.#leadership, leadership)) {
      this.#leadership = undefined;
    }
  }

  leaderChanged(leader: LeaderInformation | undefined): void {
    this.#other = leader?.endpoints.instanceId === this.endpoints.instanceId ? undefined : leader;
    this.#wake();
  }

  /** Names with generations in them are never used twice (I5): its epoch is above every one that there was. */
  async lead(candidacy: Candidacy, patienceMs: number): Promise<Leadership> {
    const { clock, above } = this.#options;
    const late = Promise.withResolvers<'late'>();
    const timer = clock.after(patienceMs, () => late.resolve('late'));
    try {
      for (;;) {
        const changed = this.#changed.promise;
        const leadership = this.#leadership;
        if (leadership !== undefined && leadership.epoch > above) {
          return leadership;
        }
        if (leadership !== undefined) {
          await candidacy.raise(leadership, above);
        }
        if ((await Promise.race([changed, late.promise])) === 'late') {
          const who =
            this.#other === undefined ? 'another process' : `the JobManager ${this.#other.endpoints.rpcAddress}`;
          throw new MillraceError(
            'STORE_IN_USE',
            `${who} leads: end all JobManagers of this cluster, then repeat the command`,
          );
        }
      }
    } finally {
      timer.cancel();
    }
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}
