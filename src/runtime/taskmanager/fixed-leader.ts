import type { LeaderRetrieval } from '../../coordination/leader-retrieval.ts';
import { isSameLeadership, type LeaderInformation } from '../../coordination/leadership.ts';
import type { Subscription } from '../../coordination/subscription.ts';
import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import { formatAddress, type RpcAddress } from '../rpc/rpc-address.ts';
import type { RpcConnection } from '../rpc/rpc-connection.ts';
import type { RpcTransport } from '../rpc/rpc-transport.ts';

export interface FixedLeaderOptions {
  readonly transport: Pick<RpcTransport, 'connect'>;
  /** Where the one JobManager is, or may be: it is at the first that answers. */
  readonly addresses: readonly RpcAddress[];
  /** The addresses, for messages. */
  readonly where: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LOOK_MS = 250;
const CONNECT_TIMEOUT_MS = 5_000;
const NO_SERVICE = { serves: {}, handlers: {}, calls: {} };

/**
 * Who leads where there is no HA store: the JobManager at a fixed address, as its hello says. One that is started again has
 * another lineage, so that nothing of the one before is mistaken for its own. A connection is kept, only to see it end.
 */
export class FixedLeader implements LeaderRetrieval {
  readonly #options: FixedLeaderOptions;
  #current: LeaderInformation | undefined;
  #said = '';

  constructor(options: FixedLeaderOptions) {
    this.#options = options;
  }

  get current(): LeaderInformation | undefined {
    return this.#current;
  }

  /** Never rejects: nobody there is nobody who leads. */
  async read(): Promise<LeaderInformation | undefined> {
    const found = await this.#reach();
    found?.connection.close();
    this.#current = found?.leader;
    return found?.leader;
  }

  watch(listener: (leader: LeaderInformation | undefined) => void): Subscription {
    const watch = new Watch(
      this.#options.clock,
      () => this.#reach(),
      (leader) => {
        this.#current = leader;
        listener(leader);
      },
    );
    listener(this.#current);
    void watch.run();
    return { end: () => watch.end() };
  }

  async #reach(): Promise<Found | undefined> {
    const { addresses, transport, where, logger } = this.#options;
    const problems: string[] = [];
    for (const address of addresses) {
      try {
        const connection = await transport.connect(address, NO_SERVICE, { timeoutMs: CONNECT_TIMEOUT_MS });
        const leader = leaderOf(connection, formatAddress(address));
        if (leader !== undefined) {
          this.#said = '';
          return { connection, leader };
        }
        connection.close();
        problems.push(`${formatAddress(address)} does not lead yet`);
      } catch (thrown) {
        problems.push(messageOf(thrown));
      }
    }
    const text = problems.join('; ');
    // A refusal names the port that this process had for that connection only.
    const said = text.replaceAll(/\d+/g, '');
    if (said !== this.#said) {
      this.#said = said;
      logger.warn(`Waiting for the JobManager at ${where} (jobmanager.rpc.address, jobmanager.rpc.port): ${text}`);
    }
    return undefined;
  }
}

interface Found {
  readonly connection: RpcConnection;
  readonly leader: LeaderInformation;
}

/** Errors: HELLO_REFUSED for a process that is no JobManager. */
const leaderOf = (connection: RpcConnection, rpcAddress: string): LeaderInformation | undefined => {
  const { role, fence, instanceId } = connection.peer;
  if (role !== 'jobmanager') {
    connection.close();
    throw new MillraceError('HELLO_REFUSED', `${rpcAddress} is a ${role}, not a JobManager`);
  }
  return fence === undefined
    ? undefined
    : {
        leadership: { ...fence, sessionId: fence.lineage, grantedAtMs: 0 },
        endpoints: { instanceId, rpcAddress, restAddress: '' },
        isPublished: true,
        falseAlarms: 0,
      };
};

/** One subscription: looks until somebody leads, then waits until that connection ends. */
class Watch {
  readonly #clock: Clock;
  readonly #reach: () => Promise<Found | undefined>;
  readonly #changed: (leader: LeaderInformation | undefined) => void;
  #told: LeaderInformation | undefined;
  #connection: RpcConnection | undefined;
  #timer: TimerHandle | undefined;
  #isOver = false;

  constructor(
    clock: Clock,
    reach: () => Promise<Found | undefined>,
    changed: (leader: LeaderInformation | undefined) => void,
  ) {
    this.#clock = clock;
    this.#reach = reach;
    this.#changed = changed;
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      const found = await this.#reach();
      this.#connection = found?.connection;
      if (this.#isOver) {
        found?.connection.close();
        return;
      }
      this.#tell(found?.leader);
      await found?.connection.closed;
      if (!this.#isOver) {
        await this.#pause();
      }
    }
  }

  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#connection?.close();
  }

  #tell(leader: LeaderInformation | undefined): void {
    const isSame =
      isSameLeadership(this.#told?.leadership, leader?.leadership) &&
      this.#told?.endpoints.rpcAddress === leader?.endpoints.rpcAddress;
    if (!isSame) {
      this.#told = leader;
      this.#changed(leader);
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#timer = this.#clock.after(LOOK_MS, resolve);
    });
  }
}
