import { SUSPICION_STEP_MS, type Candidacy } from '../../coordination/leader-election.ts';
import { isSameLeadership, type LeaderEndpoints, type LeaderInformation } from '../../coordination/leadership.ts';
import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { codeOf, messageOf } from '../../foundation/common/errors.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import { standbyProtocol, type StandbyProtocol, type TaskManagerHint } from '../protocol/cluster-protocol.ts';
import type { ProbePorts } from '../protocol/reachability.ts';
import type { StandbyState } from '../protocol/standbys.ts';
import { parseAddress } from '../rpc/rpc-address.ts';
import { describeClose, endedByPeer, type CloseReason, type RpcConnection } from '../rpc/rpc-connection.ts';
import type { RpcProtocol, RpcService } from '../rpc/rpc-protocol.ts';
import type { RpcTransport } from '../rpc/rpc-transport.ts';

/** A process that closed a connection and lives answers again within this. */
const ANSWER_WITHIN_MS = 50;
const RETRY_MS = 10;
const RECONNECT_MS = 500;
const CONNECT_TIMEOUT_MS = 5_000;
/** A leader that died when no standby was connected: so many refused connections in a row say it. */
const REFUSALS = 2;

export interface LeaderWatchOptions {
  readonly endpoints: LeaderEndpoints;
  readonly probePorts: ProbePorts;
  /** How warm this process is. */
  readonly state: () => StandbyState;
  readonly transport: RpcTransport;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly candidacy: () => Candidacy | undefined;
}

/**
 * What a standby does about the leader: it keeps one connection to it, and where the leader's side closed that and the process
 * does not answer again it ends the leader's claim instead of waiting for it to expire; so it does where nobody is there from the
 * beginning. Silence is no sign.
 */
export class LeaderWatch {
  readonly #options: LeaderWatchOptions;
  readonly #service: RpcService<StandbyProtocol, RpcProtocol>;
  #leader: LeaderInformation | undefined;
  #connection: RpcConnection | undefined;
  #timer: TimerHandle | undefined;
  #hints: readonly TaskManagerHint[] = [];
  #isStopped = false;

  constructor(options: LeaderWatchOptions) {
    this.#options = options;
    this.#service = {
      serves: standbyProtocol,
      handlers: {
        taskManagers: ({ fence, taskManagers }) => {
          if (isSameLeadership(this.#leader?.leadership, { ...fence, sessionId: '', grantedAtMs: 0 })) {
            this.#hints = taskManagers;
          }
        },
        describe: () => ({ ...options.endpoints, state: options.state() }),
        probe: ({ targets }) => options.probePorts(targets),
      },
      calls: {},
    };
  }

  /** The TaskManagers that the leader before told of. */
  get hints(): readonly TaskManagerHint[] {
    return this.#hints;
  }

  /** `undefined`, or this process: nobody to watch. */
  leaderChanged(leader: LeaderInformation | undefined): void {
    const { instanceId } = this.#options.endpoints;
    const isOwn = leader?.endpoints.instanceId === instanceId;
    const watched = leader === undefined || isOwn ? undefined : leader;
    if (this.#isStopped || isSameLeadership(this.#leader?.leadership, watched?.leadership)) {
      this.#leader = watched;
      return;
    }
    this.#leave();
    this.#leader = watched;
    if (watched !== undefined) {
      void this.#connect(watched);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#leave();
  }

  #leave(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close();
  }

  #isWatched(leader: LeaderInformation): boolean {
    return !this.#isStopped && isSameLeadership(this.#leader?.leadership, leader.leadership);
  }

  /** `refusals`: so often in a row nobody was there. */
  async #connect(leader: LeaderInformation, refusals = 0): Promise<void> {
    let isRefused = true;
    try {
      const connection = await this.#reach(leader, CONNECT_TIMEOUT_MS);
      if (connection !== undefined) {
        this.#watch(connection, leader);
        return;
      }
    } catch (thrown) {
      isRefused = codeOf(thrown) === 'UNREACHABLE';
      this.#options.logger.debug(`No connection to the leader ${leader.endpoints.rpcAddress}: ${messageOf(thrown)}`);
    }
    const refused = isRefused ? refusals + 1 : 0;
    if (refused < REFUSALS) {
      this.#connectLater(leader, refused);
    } else if (this.#isWatched(leader)) {
      this.#suspectInTurn(leader);
    }
  }

  #connectLater(leader: LeaderInformation, refusals = 0): void {
    if (this.#isWatched(leader)) {
      this.#timer?.cancel();
      this.#timer = this.#options.clock.after(RECONNECT_MS, () => void this.#connect(leader, refusals));
    }
  }

  /** `undefined`: another process answers there. */
  async #reach({ endpoints }: LeaderInformation, timeoutMs: number): Promise<RpcConnection | undefined> {
    const address = parseAddress(endpoints.rpcAddress);
    const connection = await this.#options.transport.connect(address, this.#service, { timeoutMs });
    if (connection.peer.instanceId === endpoints.instanceId) {
      return connection;
    }
    connection.close();
    return undefined;
  }

  #watch(connection: RpcConnection, leader: LeaderInformation): void {
    if (!this.#isWatched(leader)) {
      connection.close();
      return;
    }
    this.#connection = connection;
    void connection.closed.then((reason) => {
      if (this.#connection === connection && this.#isWatched(leader)) {
        this.#connection = undefined;
        void this.#closed(leader, reason);
      }
    });
  }

  async #closed(leader: LeaderInformation, reason: CloseReason): Promise<void> {
    const { logger } = this.#options;
    logger.info(`The connection to the leader ${leader.endpoints.rpcAddress} is closed: ${describeClose(reason)}`);
    if (!endedByPeer(reason)) {
      this.#connectLater(leader);
      return;
    }
    const connection = await this.#answer(leader);
    if (!this.#isWatched(leader)) {
      connection?.close();
    } else if (connection === undefined) {
      this.#suspectInTurn(leader);
    } else {
      this.#watch(connection, leader);
    }
  }

  /** The same process, if it answers within the time; a refused connection, or another process there, says that it is gone. */
  async #answer(leader: LeaderInformation): Promise<RpcConnection | undefined> {
    const { clock } = this.#options;
    const untilMs = clock.monotonic() + ANSWER_WITHIN_MS;
    for (let leftMs = ANSWER_WITHIN_MS; leftMs > 0; leftMs = untilMs - clock.monotonic()) {
      try {
        return await this.#reach(leader, leftMs);
      } catch (thrown) {
        if (codeOf(thrown) === 'UNREACHABLE') {
          return undefined;
        }
      }
      await new Promise<void>((resolve) => {
        clock.after(RETRY_MS, resolve);
      });
    }
    return undefined;
  }

  /** The first in the queue at once, each next one later: nobody waits for one that died with the leader. */
  #suspectInTurn(leader: LeaderInformation): void {
    const position = this.#options.candidacy()?.queuePosition ?? 0;
    if (position === 0) {
      void this.#suspect(leader);
    } else {
      const delayMs = position * SUSPICION_STEP_MS;
      this.#timer = this.#options.clock.after(delayMs, () => void this.#suspect(leader));
    }
  }

  async #suspect(leader: LeaderInformation): Promise<void> {
    const { logger, candidacy } = this.#options;
    const { leadership, endpoints } = leader;
    if (!this.#isWatched(leader)) {
      return;
    }
    logger.warn(`The leader ${endpoints.rpcAddress} (epoch ${leadership.epoch}) has died: ending its leadership`);
    try {
      const outcome = await candidacy()?.suspect(leadership);
      if (outcome?.outcome === 'alive') {
        logger.warn(`The leader ${endpoints.rpcAddress} gave a sign of life: it goes on leading`);
      } else if (outcome?.outcome === 'backing-off') {
        logger.warn(`Living leaders were suspected lately: its lease decides (for another ${outcome.remainingMs} ms)`);
      }
      if (outcome?.outcome !== 'ended') {
        this.#connectLater(leader);
      }
    } catch (thrown) {
      logger.warn(`The leadership of ${endpoints.rpcAddress} cannot be ended now: ${messageOf(thrown)}`);
      if (this.#isWatched(leader)) {
        this.#timer = this.#options.clock.after(SUSPICION_STEP_MS, () => void this.#suspect(leader));
      }
    }
  }
}
