import type { RecordedTaskManager } from '../../../coordination/job-record-store.ts';
import { present } from '../../../foundation/common/assert.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import type { DataLocation } from '../../../foundation/common/data-location.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { Fence } from '../../../foundation/common/fence.ts';
import { attemptId, type JobId } from '../../../foundation/common/ids.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { JobManagerProtocol, TaskManagerHint, TaskManagerRegistration } from '../../protocol/cluster-protocol.ts';
import type { AttemptReport, TaskExecutorGateway, TaskMetrics, TaskReport } from '../../protocol/task-commands.ts';
import { compareFence, demandOwnFence, isChallenged } from '../../rpc/fencing.ts';
import type { HeartbeatOptions } from '../../rpc/heartbeat-core.ts';
import { HeartbeatMonitor } from '../../rpc/heartbeat-monitor.ts';
import { describeClose, type CloseReason } from '../../rpc/rpc-connection.ts';
import type { RequestOf } from '../../rpc/rpc-protocol.ts';
import type { HeldSlots, SlotProvider, SlotRef } from '../scheduler/slot-table.ts';
import { slotsText } from '../scheduler/slots-text.ts';
import type { JobDirectory, TaskListener } from './job-directory.ts';
import { JobSlots } from './job-slots.ts';
import { ProofOfDeath } from './proof-of-death.ts';
import { isOver, slotsInUse } from './reported-attempts.ts';
import { nameTaken, rivalOf } from './rivals-of-name.ts';
import { SlotPool, type SlotPoolOverview } from './slot-pool.ts';
import { tellUnknown } from './unknown-job.ts';
import { TaskManagerSession, type KnownTaskManager, type TaskManagerConnection } from './task-manager-session.ts';

export interface ResourceManagerOptions {
  /** Of this leadership (I2). */
  readonly fence: Fence;
  /** Of this JobManager. */
  readonly ownInstanceId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heartbeat: HeartbeatOptions;
  readonly jobs: JobDirectory;
  /** Resolves when the jobs are loaded: who registers before waits, and what it reports goes to them once. Never rejects. */
  readonly ready: Promise<void>;
  /** The instance id of whoever answers there. Errors: UNREACHABLE when nobody does, others decide nothing. */
  probe(rpcAddress: string): Promise<string>;
  /** A TaskManager has heard of a later epoch of this lineage, or of this one under another leader (R12). */
  challenged(epoch: number): void;
  /** Who registered changed. */
  changed(): void;
}

/** A connection from its registration on; what comes before the registration is worked off waits. */
interface Link {
  session: TaskManagerSession | undefined;
  readonly early: (() => void)[];
  isOver: boolean;
}

type Registering = RequestOf<JobManagerProtocol, 'registerTaskManager'>;

/** The TaskManagers of one leadership: who is there, who has which slot, and the way to each. */
export class ResourceManager {
  readonly #options: ResourceManagerOptions;
  readonly #pool = new SlotPool();
  readonly #slots: JobSlots;
  readonly #heartbeats: HeartbeatMonitor;
  readonly #proof: ProofOfDeath;
  readonly #links = new Map<TaskManagerConnection, Link>();
  /** Registered, by instance id; those whose connection is gone and who may come back too. */
  readonly #known = new Map<string, TaskManagerRegistration>();
  readonly #sessions = new Map<string, TaskManagerSession>();
  #isStopped = false;

  constructor(options: ResourceManagerOptions) {
    const { clock, logger, heartbeat } = options;
    this.#options = options;
    this.#slots = new JobSlots(this.#pool, logger);
    this.#proof = new ProofOfDeath({
      clock,
      logger,
      timeoutMs: heartbeat.timeoutMs,
      probe: (rpcAddress) => options.probe(rpcAddress),
      isKnown: (instanceId) => this.#known.has(instanceId),
      gone: (instanceId, reason) => (this.#isStopped ? undefined : this.#lost(instanceId, reason)),
    });
    this.#heartbeats = new HeartbeatMonitor({
      clock,
      logger,
      heartbeat,
      onLost: ({ id, kind, silentMs }) =>
        this.#lost(id, kind === 'silent' ? `no heartbeat for ${Math.round(silentMs)} ms` : 'it cannot be reached'),
    });
  }

  get overview(): SlotPoolOverview {
    return this.#pool.overview;
  }

  /** For standbys: who is there now. */
  get hints(): readonly TaskManagerHint[] {
    return [...this.#known.values()].map(({ instanceId, rpcAddress }) => ({ instanceId, rpcAddress }));
  }

  /** Those it knows, with the connection of those that have one now. */
  get taskManagers(): readonly KnownTaskManager[] {
    return [...this.#known].map(([id, registration]) => ({ registration, session: this.#sessions.get(id) }));
  }

  /** The address of this leader is published. `hints`: whom the leader before this one knew. */
  published(hints: readonly TaskManagerHint[]): void {
    this.#proof.begin();
    this.#proof.await(hints);
  }

  /** Who may run something of a job: those that are proven gone are lost. */
  awaited(taskManagers: readonly RecordedTaskManager[]): void {
    this.#proof.await(taskManagers);
  }

  addressOf(instanceId: string): string | undefined {
    return this.#known.get(instanceId)?.rpcAddress;
  }

  slotsOf(jobId: JobId): SlotProvider {
    return this.#slots.of(jobId);
  }

  /** What the job has, and what it could have beside that now. */
  slotsFor(jobId: JobId): { readonly own: number; readonly free: number } {
    return { own: this.#pool.countOf(jobId), free: this.#pool.overview.free };
  }

  /** Those of `held` that the job still has. */
  stillHeld(jobId: JobId, held: HeldSlots): HeldSlots {
    return new Map([...held].filter(([, slot]) => this.#pool.ownerOf(slot) === jobId));
  }

  executor(instanceId: string): TaskExecutorGateway | undefined {
    return this.#sessions.get(instanceId);
  }

  locate({ taskManager, slot }: SlotRef): DataLocation {
    return present(this.#sessions.get(taskManager)?.locate(slot), `data port of slot ${slot} of ${taskManager}`);
  }

  /** A JobMaster is there now: it hears of every TaskManager, of those that reported the job before when they do so again. */
  jobLoaded(jobId: JobId, job: TaskListener): void {
    for (const session of this.#sessions.values()) {
      if (!session.unrouted.has(jobId)) {
        job.taskManagerReported(session.instanceId, []);
      }
    }
  }

  /** The JobMaster knows what it has to hear of: what was reported before is old by now, and comes anew (R15). */
  jobRecovered(jobId: JobId): void {
    for (const session of this.#sessions.values()) {
      if (session.unrouted.has(jobId)) {
        session.connection.close(`job ${jobId} is loaded now: register again`);
      }
    }
  }

  /** Its JobMaster is over, the job is not: what was reported to that one no other has heard. */
  jobUnloaded(jobId: JobId): void {
    for (const session of this.#sessions.values()) {
      if (session.routed.has(jobId)) {
        session.unrouted.add(jobId);
      }
    }
  }

  /** The job has ended: its slots are free, TaskManagers forget it. */
  jobEnded(jobId: JobId): void {
    this.#pool.release(jobId);
    for (const session of this.#sessions.values()) {
      if (session.unrouted.has(jobId)) {
        session.connection.close(`job ${jobId} has ended: register again`);
      } else {
        session.releaseJob(this.#options.fence, jobId);
      }
    }
    this.#slots.serve();
  }

  stop(farewell: string): void {
    this.#isStopped = true;
    this.#heartbeats.stop();
    this.#proof.stop();
    this.#slots.stop();
    [...this.#links.keys()].forEach((connection) => connection.close(farewell));
    this.#links.clear();
    this.#sessions.clear();
  }

  async register(connection: TaskManagerConnection, request: Registering): Promise<{ fence: Fence }> {
    const { fence, logger, ownInstanceId } = this.#options;
    const { registration, leader = ownInstanceId } = request;
    if (request.fence !== undefined && isChallenged(fence, request.fence, leader !== ownInstanceId)) {
      this.#options.challenged(request.fence.epoch);
      const message = `epoch ${request.fence.epoch} was heard of; this leader has ${fence.epoch} and is raised above it`;
      throw new MillraceError('FENCED', message, { retryable: true });
    }
    const link = this.#linkOf(connection);
    await this.#options.ready;
    // Another may have taken the name while this one waited.
    for (let rival = rivalOf(registration, this.#known); rival !== undefined;) {
      await this.#requireGone(rival, registration.instanceId);
      rival = rivalOf(registration, this.#known);
    }
    if (this.#isStopped || link.isOver) {
      throw new MillraceError('FENCED', 'this JobManager does not lead any more', { retryable: true });
    }
    const session = new TaskManagerSession(connection, registration, {
      logger,
      undeployed: ({ attempt }, error) =>
        this.#options.jobs
          .find(attempt.job)
          ?.report({ kind: 'state', attempt: attemptId(attempt), state: 'FAILED', error }),
    });
    const { instanceId, resourceId, rpcAddress, slots } = registration;
    const how = this.#known.has(instanceId) ? 'is back' : 'registered';
    this.#known.set(instanceId, registration);
    logger.info(`TaskManager ${resourceId} (${rpcAddress}, instance ${instanceId}) ${how} with ${slotsText(slots)}`);
    // The answer goes first: commands that the report leads to come after it.
    this.#options.clock.after(0, () => this.#registered(link, session, request.attempts));
    return { fence };
  }

  taskReport(connection: TaskManagerConnection, fence: Fence, job: string, report: TaskReport): void {
    this.#inOrder(connection, fence, (session) => this.#reported(session, job as JobId, report));
  }

  /** Of no use to any other leader, and sent anew all the time: dropped when they are early, late or not for this one. */
  taskMetrics(connection: TaskManagerConnection, fence: Fence, job: string, metrics: readonly TaskMetrics[]): void {
    const isMeant = compareFence(this.#options.fence, fence) === 'current' && this.#links.get(connection)?.session;
    return isMeant ? this.#options.jobs.find(job as JobId)?.metrics(metrics) : undefined;
  }

  relocated(connection: TaskManagerConnection, fence: Fence, data: readonly DataLocation[]): void {
    this.#inOrder(connection, fence, (session) => session.relocated(data));
  }

  #linkOf(connection: TaskManagerConnection): Link {
    const there = this.#links.get(connection);
    if (there !== undefined) {
      return there;
    }
    const link: Link = { session: undefined, early: [], isOver: false };
    this.#links.set(connection, link);
    void connection.closed.then((reason) => {
      link.isOver = true;
      this.#links.delete(connection);
      if (link.session !== undefined && this.#sessions.get(link.session.instanceId) === link.session) {
        this.#closed(link.session, reason);
      }
    });
    return link;
  }

  #inOrder(connection: TaskManagerConnection, fence: Fence, run: (session: TaskManagerSession) => void): void {
    demandOwnFence(this.#options.fence, fence);
    const link = this.#links.get(connection);
    if (link === undefined) {
      throw new MillraceError('FENCED', 'a TaskManager registers before it reports', { retryable: true });
    }
    if (link.session === undefined) {
      link.early.push(() => run(present(link.session, 'session')));
    } else {
      run(link.session);
    }
  }

  /** The one that does not answer any more is over; one that does keeps the name. */
  async #requireGone(rival: TaskManagerRegistration, instanceId: string): Promise<void> {
    const answering = await this.#options.probe(rival.rpcAddress).catch(() => undefined);
    if (this.#known.get(rival.instanceId) === rival) {
      if (answering === rival.instanceId) {
        throw nameTaken(rival);
      }
      this.#lost(rival.instanceId, `its resource id ${rival.resourceId} registered with a new process, ${instanceId}`);
    }
  }

  #registered(link: Link, session: TaskManagerSession, attempts: readonly AttemptReport[]): void {
    const { instanceId, connection } = session;
    if (this.#isStopped || link.isOver || !this.#known.has(instanceId)) {
      connection.close('register again');
      return this.#awaitReturn(instanceId);
    }
    const before = this.#sessions.get(instanceId);
    link.session = session;
    this.#sessions.set(instanceId, session);
    if (before !== undefined && before.connection !== connection) {
      before.connection.close('the same process has registered over a later connection');
    }
    this.#heartbeats.watch(instanceId, {
      beat: () => connection.send('heartbeat', undefined),
      lastReceivedMs: () => connection.lastReceivedMs,
    });
    const { jobs } = this.#options;
    const isKnown = (jobId: JobId): boolean => jobs.find(jobId) !== undefined || jobs.isKnown(jobId);
    this.#pool.register(session.registration, slotsInUse(attempts), isKnown);
    this.#route(session, attempts);
    link.early.splice(0).forEach((run) => run());
    this.#slots.serve();
    this.#options.changed();
    void session.confirm(this.#options.fence);
  }

  /** Every JobMaster hears what it runs, also that it is nothing (R11, R15). */
  #route(session: TaskManagerSession, attempts: readonly AttemptReport[]): void {
    const { jobs, fence, logger } = this.#options;
    const byJob = Map.groupBy(attempts, ({ attempt }) => attempt.job);
    for (const [jobId, own] of byJob) {
      if (jobs.find(jobId) !== undefined) {
        session.routed.add(jobId);
      } else if (jobs.isKnown(jobId)) {
        session.unrouted.add(jobId);
      } else {
        tellUnknown(logger, session.registration.resourceId, { jobId, hasEnded: jobs.hasEnded(jobId) }, own);
        session.cancelStrays(fence, jobId, own);
        if (!session.strays.has(jobId)) {
          this.#pool.release(jobId);
        }
      }
    }
    const reportedTo = new Set(
      [...byJob].flatMap(([jobId, own]) => {
        const job = jobs.find(jobId);
        job?.taskManagerReported(session.instanceId, own, session.registration.resourceId);
        return job ?? [];
      }),
    );
    jobs
      .loaded()
      .filter((job) => !reportedTo.has(job))
      .forEach((job) => job.taskManagerReported(session.instanceId, []));
  }

  #reported(session: TaskManagerSession, jobId: JobId, report: TaskReport): void {
    const { jobs, fence } = this.#options;
    const job = jobs.find(jobId);
    if (job !== undefined) {
      job.report(report);
    } else if (jobs.isKnown(jobId)) {
      session.unrouted.add(jobId);
    } else if (report.kind === 'state' && isOver(report.state) && session.strayEnded(jobId, report.attempt)) {
      session.releaseJob(fence, jobId);
      this.#pool.release(jobId);
      this.#slots.serve();
    }
  }

  /** The process may live: then it registers again. */
  #closed(session: TaskManagerSession, reason: CloseReason): void {
    const { instanceId, registration } = session;
    this.#sessions.delete(instanceId);
    this.#heartbeats.forget(instanceId);
    this.#pool.away(instanceId);
    if (this.#isStopped || !this.#known.has(instanceId)) {
      return;
    }
    this.#options.logger.warn(
      `The connection to TaskManager ${registration.resourceId} (${registration.rpcAddress}) is closed: ${describeClose(reason)}`,
    );
    this.#awaitReturn(instanceId);
  }

  #awaitReturn(instanceId: string): void {
    const known = this.#known.get(instanceId);
    const isAway = (): boolean => this.#known.get(instanceId) === known && !this.#sessions.has(instanceId);
    if (known !== undefined && !this.#isStopped && isAway()) {
      void this.#proof.watch(known, isAway, (why) => this.#lost(instanceId, why));
    }
  }

  #lost(instanceId: string, reason: string): void {
    const { jobs, logger, changed } = this.#options;
    const name = this.#known.get(instanceId)?.resourceId ?? instanceId;
    logger.warn(`Lost TaskManager ${name}: ${reason}`);
    this.#known.delete(instanceId);
    this.#heartbeats.forget(instanceId);
    this.#pool.lost(instanceId);
    const session = this.#sessions.get(instanceId);
    this.#sessions.delete(instanceId);
    session?.connection.close(`given up: ${reason}`);
    jobs.loaded().forEach((job) => job.taskManagerLost(instanceId, reason, name));
    this.#slots.changed();
    changed();
  }
}
