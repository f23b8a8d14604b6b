import type { LeaderRetrieval } from '../../coordination/leader-retrieval.ts';
import type { LeaderInformation } from '../../coordination/leadership.ts';
import type { Subscription } from '../../coordination/subscription.ts';
import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import type { DataLocation } from '../../foundation/common/data-location.ts';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { Fence } from '../../foundation/common/fence.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { Random } from '../../foundation/common/random.ts';
import {
  jobManagerProtocol,
  taskManagerProtocol,
  type JobManagerProtocol,
  type TaskManagerProtocol,
  type TaskManagerRegistration,
} from '../protocol/cluster-protocol.ts';
import type { ProbePorts } from '../protocol/reachability.ts';
import type { AttemptReport, JobMasterGateway, TaskExecutorGateway } from '../protocol/task-commands.ts';
import { compareFence, type NewestFence } from '../rpc/fencing.ts';
import type { HeartbeatOptions } from '../rpc/heartbeat-core.ts';
import { HeartbeatMonitor } from '../rpc/heartbeat-monitor.ts';
import { Reconnecting } from '../rpc/reconnecting.ts';
import type { RegistrationTiming } from '../rpc/registration-backoff.ts';
import { parseAddress } from '../rpc/rpc-address.ts';
import type { RpcConnection } from '../rpc/rpc-connection.ts';
import type { RpcService } from '../rpc/rpc-protocol.ts';
import type { RpcTransport } from '../rpc/rpc-transport.ts';
import { EarlierLeader } from './earlier-leader.ts';
import { ALIGNMENT_GRACE_MS, LeaderAbsence, type AbsenceAction, type LeaderAbsenceOptions } from './leader-absence.ts';
import { LeaderSession } from './leader-session.ts';

/** The tasks of this process, as a leader commands them and hears of them. */
export interface FollowedTasks extends TaskExecutorGateway {
  readonly reports: readonly AttemptReport[];
  register(leader: JobMasterGateway | undefined): void;
  releaseJob(fence: Fence, job: string): void;
  limitAlignments(limitMs: number | undefined): void;
  cancelAll(): Promise<void>;
  startAfresh(): void;
}

export interface LeaderFollowerOptions extends LeaderAbsenceOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly transport: Pick<RpcTransport, 'connect'>;
  readonly retrieval: LeaderRetrieval;
  /** What is said where it tells of no leader; `the HA store names none` when missing. */
  readonly whoNames?: string;
  /** Shared with `tasks`. */
  readonly fence: NewestFence;
  readonly tasks: FollowedTasks;
  /** `localHost`: the address of this host that the leader sees. */
  readonly registration: (localHost: string) => TaskManagerRegistration;
  readonly timing: RegistrationTiming;
  readonly probePorts: ProbePorts;
  readonly heartbeat: HeartbeatOptions;
  /** It never found a leader that took it, for `taskmanager.registration.timeout`; it follows nobody any more. */
  readonly gaveUp: (error: MillraceError) => void;
}

type LeaderConnection = RpcConnection<JobManagerProtocol>;

/**
 * Keeps the tasks of this process in touch with whoever leads: finds the leader in the HA store, registers with the table of
 * what runs, passes its commands on and the tasks' reports back (R15). Without a leader the tasks go on, for a while.
 */
export class LeaderFollower {
  readonly #options: LeaderFollowerOptions;
  readonly #service: RpcService<TaskManagerProtocol, JobManagerProtocol>;
  readonly #reconnecting: Reconnecting<LeaderInformation, LeaderConnection>;
  readonly #monitor: HeartbeatMonitor;
  readonly #absence: LeaderAbsence;
  readonly #earlier: EarlierLeader;
  #leader: LeaderInformation | undefined;
  /** Of an earlier epoch than one that was heard of (R12). */
  #toBeTold: LeaderInformation | undefined;
  #session: LeaderSession | undefined;
  /** The session that the leader has confirmed. */
  #registeredAs: LeaderSession | undefined;
  #subscription: Subscription | undefined;
  #absenceTimer: TimerHandle | undefined;
  #saidNobodyLeads = false;
  #isStopped = false;

  constructor(options: LeaderFollowerOptions) {
    this.#options = options;
    const { clock, random, logger, timing, heartbeat } = options;
    this.#service = { serves: taskManagerProtocol, calls: jobManagerProtocol, handlers: this.#handlers() };
    this.#absence = new LeaderAbsence(options, clock.monotonic());
    this.#earlier = new EarlierLeader(clock, () => this.#look());
    this.#monitor = new HeartbeatMonitor({
      clock,
      logger,
      heartbeat,
      onLost: ({ silentMs }) => {
        const reason = `nothing was heard of the leader for ${Math.round(silentMs)} ms (heartbeat.timeout)`;
        logger.warn(`Leaving ${this.#registeredAs?.connection.remoteAddress}: ${reason}`);
        this.#registeredAs?.connection.close(reason);
      },
    });
    this.#reconnecting = new Reconnecting({
      clock,
      random,
      logger,
      timing,
      what: 'the leading JobManager',
      target: () => this.#target(),
      nameOf: ({ endpoints: { rpcAddress }, leadership: { epoch, lineage } }) =>
        `${rpcAddress} (epoch ${epoch} of ${lineage})`,
      connect: (leader, attempt) => this.#connect(leader, attempt),
      connected: (connection, leader) => this.#registered(connection, leader),
    });
  }

  /** Whom this process is registered with, or registers with now. */
  get following(): Fence | undefined {
    return this.#session?.fence;
  }

  start(): void {
    this.#waitForAbsence();
    this.#reconnecting.start();
    this.#subscription = this.#options.retrieval.watch((leader) => this.#named(leader));
    this.#look();
  }

  /** The data ports have changed. */
  located(data: readonly DataLocation[]): void {
    this.#session?.located(data);
  }

  /**
   * Somebody says over another connection that this leadership counts, a new leader for one. Answers with what counts here.
   * Errors: FENCED, retryable for a lineage that the store has to name first.
   */
  ping(fence: Fence): Fence {
    const { fence: newest } = this.#options;
    const isForeign = compareFence(newest.known, fence) === 'foreign';
    if (isForeign) {
      this.#look();
    }
    if (newest.admit(fence)) {
      this.#session?.connection.close(`epoch ${fence.epoch} leads`);
      this.#look();
    }
    return newest.known ?? fence;
  }

  /** Tells the leader why; tasks are told nothing. */
  stop(farewell: string): void {
    this.#isStopped = true;
    this.#subscription?.end();
    this.#absenceTimer?.cancel();
    this.#earlier.stop();
    this.#monitor.stop();
    this.#session?.connection.close(farewell);
    this.#reconnecting.stop(farewell);
    this.#drop();
  }

  #handlers(): RpcService<TaskManagerProtocol, JobManagerProtocol>['handlers'] {
    const { tasks } = this.#options;
    return {
      deploy: ({ fence, deployments }, connection) => {
        if (this.#follows(connection, fence)) {
          tasks.deploy(fence, deployments);
        }
      },
      command: ({ fence, attempt, command }, connection) => {
        if (this.#follows(connection, fence)) {
          tasks.command(fence, attempt, command);
        }
      },
      releaseJob: ({ fence, job }, connection) => {
        if (this.#follows(connection, fence)) {
          tasks.releaseJob(fence, job);
        }
      },
      ping: ({ fence }) => ({ fence: this.ping(fence) }),
      probe: ({ fence, targets }, connection) => {
        if (!this.#follows(connection, fence)) {
          throw new MillraceError('FENCED', 'another leader is followed here', { retryable: true });
        }
        return this.#options.probePorts(targets);
      },
      heartbeat: () => {},
    };
  }

  /** Whether it is a command of the leader that this process has registered with (I2). */
  #follows(connection: LeaderConnection, fence: Fence): boolean {
    const session = this.#session;
    if (session === undefined || session.connection !== connection) {
      return false;
    }
    const verdict = compareFence(session.fence, fence);
    if (verdict === 'older') {
      this.#options.logger.warn(`Refused a command of epoch ${fence.epoch}: epoch ${session.fence.epoch} leads`);
    } else if (verdict !== 'current') {
      // Whoever leads anew gets the table first (R15); which lineage counts, the store says (R12).
      if (verdict === 'newer') {
        this.#options.fence.admit(fence);
      }
      connection.close(`this TaskManager followed epoch ${session.fence.epoch}; it registers anew`);
      this.#look();
    }
    return verdict === 'current';
  }

  /** What a push has made old is not followed; then the store will soon name another. */
  #target(): LeaderInformation | undefined {
    const leader = this.#leader;
    const isCurrent = leader !== undefined && compareFence(this.#options.fence.known, fenceOf(leader)) === 'current';
    return isCurrent || leader === this.#toBeTold ? leader : undefined;
  }

  #look(): void {
    const { retrieval, logger } = this.#options;
    retrieval.read().then(
      (leader) => (leader === undefined ? this.#sayNobodyLeads() : this.#named(leader)),
      (error: unknown) => logger.warn(`Cannot read who leads: ${messageOf(error)}; tasks go on`),
    );
  }

  #sayNobodyLeads(): void {
    if (!this.#saidNobodyLeads && !this.#isStopped) {
      this.#saidNobodyLeads = true;
      this.#options.logger.info(`Waiting for a leading JobManager: ${this.#whoNames}`);
    }
  }

  /** The store says who leads; the only place where a lineage is learned (R12). */
  #named(leader: LeaderInformation | undefined): void {
    const { fence, tasks, logger } = this.#options;
    if (leader === undefined || this.#isStopped) {
      return;
    }
    const named = fenceOf(leader);
    const before = fence.known;
    const { sessionId } = leader.leadership;
    const isEarlier = compareFence(before, named) === 'older';
    if (isEarlier && (this.#session !== undefined || !this.#earlier.isToBeTold(sessionId))) {
      return;
    }
    this.#toBeTold = isEarlier ? leader : undefined;
    if (fence.learn(named) === 'lineage') {
      logger.warn(
        `Who leads now has another lineage, ${named.lineage}; what runs here belongs to ${before?.lineage} and is ended`,
      );
      this.#drop();
      tasks.startAfresh();
    }
    this.#saidNobodyLeads = false;
    if (this.#leader?.leadership.sessionId !== sessionId) {
      logger.info(`New leader elected ${sessionId} at ${leader.endpoints.rpcAddress}`);
    }
    this.#leader = leader;
    this.#reconnecting.targetChanged();
  }

  async #connect(
    leader: LeaderInformation,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<LeaderConnection> {
    const { transport } = this.#options;
    try {
      const address = parseAddress(leader.endpoints.rpcAddress);
      const connection = await transport.connect(address, this.#service, { timeoutMs, signal });
      if (signal.aborted) {
        connection.close();
        throw new MillraceError('CONNECTION_LOST', 'another leader is followed', { retryable: true });
      }
      const leave = (): void => connection.close('another leader is followed');
      signal.addEventListener('abort', leave);
      try {
        await this.#register(connection, fenceOf(leader));
      } finally {
        signal.removeEventListener('abort', leave);
      }
      return connection;
    } catch (thrown) {
      if (!signal.aborted) {
        this.#look();
      }
      throw thrown;
    }
  }

  /**
   * Nothing comes between the table and what changes after it: both are written before anything else happens. The leader has
   * said hello, so it lives, and is given time: commands that it has sent already would get lost with the connection.
   */
  async #register(connection: LeaderConnection, fence: Fence): Promise<void> {
    const { tasks, registration, fence: newest, logger, timing } = this.#options;
    const session = new LeaderSession(connection, fence, logger);
    void connection.closed.then(() => this.#closed(session));
    try {
      const request = {
        registration: registration(connection.localHost),
        fence: newest.known,
        ...(newest.leader === undefined ? {} : { leader: newest.leader }),
        attempts: [...tasks.reports],
      };
      const answer = connection.call('registerTaskManager', request, { timeoutMs: timing.maxTimeoutMs });
      this.#session = session;
      tasks.register(session);
      session.fence = (await answer).fence;
      newest.admit(session.fence);
    } catch (thrown) {
      connection.close(messageOf(thrown));
      this.#drop(session);
      throw thrown;
    }
  }

  #registered(connection: LeaderConnection, { leadership }: LeaderInformation): void {
    this.#options.logger.info(
      `Registered with the leader of epoch ${leadership.epoch}, ${leadership.sessionId}, at ${connection.remoteAddress}`,
    );
    this.#registeredAs = this.#session;
    this.#options.fence.registeredWith(connection.peer.instanceId);
    this.#monitor.watch('leader', {
      beat: () => connection.send('heartbeat', undefined),
      lastReceivedMs: () => connection.lastReceivedMs,
    });
    this.#carryOut(this.#absence.registered());
  }

  #closed(session: LeaderSession): void {
    this.#drop(session);
    if (this.#registeredAs === session && !this.#isStopped) {
      this.#registeredAs = undefined;
      this.#monitor.forget('leader');
      this.#absence.lost(this.#options.clock.monotonic());
      this.#waitForAbsence();
      this.#look();
    }
  }

  /** Reports go nowhere any more, unless another session has begun. */
  #drop(session = this.#session): void {
    if (session === this.#session) {
      this.#session = undefined;
      this.#options.tasks.register(undefined);
    }
  }

  #waitForAbsence(): void {
    const { clock } = this.#options;
    this.#absenceTimer?.cancel();
    const atMs = this.#absence.nextMs;
    this.#absenceTimer = Number.isFinite(atMs)
      ? clock.after(Math.max(0, atMs - clock.monotonic()), () => this.#carryOut(this.#absence.tick(clock.monotonic())))
      : undefined;
  }

  #carryOut(actions: readonly AbsenceAction[]): void {
    const { tasks, logger, absenceTimeoutMs } = this.#options;
    for (const action of actions) {
      switch (action) {
        case 'limit-alignments':
          tasks.limitAlignments(ALIGNMENT_GRACE_MS);
          break;
        case 'lift-limit':
          tasks.limitAlignments(undefined);
          break;
        case 'cancel-tasks':
          logger.error(
            `No leader for ${absenceTimeoutMs} ms (taskmanager.leader-absence.timeout): all tasks are cancelled; this process ` +
              'stays and registers with the next leader',
          );
          void tasks.cancelAll();
          break;
        case 'give-up':
          return this.#giveUp();
      }
    }
    this.#waitForAbsence();
  }

  get #whoNames(): string {
    return this.#options.whoNames ?? 'the HA store names none';
  }

  #giveUp(): void {
    const { registrationTimeoutMs, gaveUp } = this.#options;
    const who = this.#leader === undefined ? this.#whoNames : `it is at ${this.#leader.endpoints.rpcAddress}`;
    const message =
      `no leading JobManager has registered this TaskManager for ${registrationTimeoutMs} ms ` +
      `(taskmanager.registration.timeout); ${who}`;
    this.stop(message);
    gaveUp(new MillraceError('TIMEOUT', message));
  }
}

const fenceOf = ({ leadership: { lineage, epoch } }: LeaderInformation): Fence => ({ lineage, epoch });
