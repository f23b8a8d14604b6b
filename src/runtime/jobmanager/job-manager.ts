import type { HighAvailabilityServices } from '../../coordination/high-availability-services.ts';
import type { Candidacy, Contender, RevocationReason } from '../../coordination/leader-election.ts';
import {
  isSameLeadership,
  type LeaderEndpoints,
  type LeaderInformation,
  type Leadership,
} from '../../coordination/leadership.ts';
import type { ClusterStorage } from '../../coordination/storage/cluster-storage.ts';
import type { Clock, TimerHandle } from '../../foundation/common/clock.ts';
import { codeOf, messageOf, type MillraceError } from '../../foundation/common/errors.ts';
import type { JobId } from '../../foundation/common/ids.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { HeartbeatOptions } from '../rpc/heartbeat-core.ts';
import type { ProbePorts, Reachability } from '../protocol/reachability.ts';
import { taskManagerProtocol } from '../protocol/cluster-protocol.ts';
import { parseAddress } from '../rpc/rpc-address.ts';
import type { RpcTransport } from '../rpc/rpc-transport.ts';
import {
  SUSPENSION_MS,
  type ClusterGateway,
  type ClusterOverview,
  type JobDetails,
  type JobSubmission,
  type JobSummary,
  type SubmissionAnswer,
} from './dispatcher/cluster-gateway.ts';
import type { Standbys } from '../protocol/standbys.ts';
import type { RescaleRequest, VertexParallelism } from '../protocol/rescale-request.ts';
import type { SavepointRequest, SnapshotStatus, SnapshotTrigger, StopRequest } from '../protocol/snapshot-requests.ts';
import type { Dispatcher } from './dispatcher/dispatcher.ts';
import { isAway } from './dispatcher/is-away.ts';
import type { JobStarter } from './dispatcher/job-starter.ts';
import { JobManagerService } from './job-manager-service.ts';
import { OwnLoadingMarks } from './dispatcher/own-loading-marks.ts';
import type { ResultRetention } from './dispatcher/result-retention.ts';
import { LeaderNews } from './leader-news.ts';
import { LeaderTerm } from './leader-term.ts';
import { LeaderWatch } from './leader-watch.ts';
import { LookAhead } from './look-ahead.ts';
import { notLeader } from './not-leader.ts';
import { reachabilityOf } from './reachability.ts';
import { SharedStorageWatch } from './shared-storage-watch.ts';
import { standbysOf } from './standbys.ts';

export interface JobManagerOptions {
  readonly endpoints: LeaderEndpoints;
  readonly services: HighAvailabilityServices;
  readonly storage: ClusterStorage;
  readonly starter: JobStarter;
  readonly transport: RpcTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly heartbeat: HeartbeatOptions;
  readonly retention: ResultRetention;
  readonly probePorts: ProbePorts;
}

const RAISE_PAUSE_MS = 500;
const RESIGN_PAUSE_MS = 1_000;

/** A JobManager process: it leads, or is a standby that watches who does. */
export class JobManager implements Contender, ClusterGateway {
  readonly endpoints: LeaderEndpoints;
  readonly service: JobManagerService;
  readonly #options: JobManagerOptions;
  readonly #watch: LeaderWatch;
  readonly #lookAhead: LookAhead;
  readonly #sharedStorage: SharedStorageWatch;
  readonly #ownMarks = new OwnLoadingMarks();
  #joining: Promise<Candidacy> | undefined;
  #candidacy: Candidacy | undefined;
  readonly #news: LeaderNews;
  #term: LeaderTerm | undefined;
  #isStopping = false;
  #suspension: TimerHandle | undefined;

  constructor(options: JobManagerOptions) {
    const { endpoints, probePorts, transport, clock, logger } = options;
    this.#options = options;
    this.endpoints = endpoints;
    this.service = new JobManagerService(() => this.#term);
    this.#news = new LeaderNews(logger, endpoints.instanceId);
    this.#lookAhead = new LookAhead(options);
    this.#sharedStorage = new SharedStorageWatch(options);
    this.#watch = new LeaderWatch({
      endpoints,
      probePorts,
      transport,
      clock,
      logger,
      candidacy: () => this.#candidacy,
      state: () => this.#lookAhead.state,
    });
  }

  /** It has practised the takeover. */
  rehearsed(): void {
    this.#lookAhead.rehearsed();
  }

  get leader(): LeaderInformation | undefined {
    return this.#news.leader;
  }

  get isLeading(): boolean {
    return this.#term?.isOpen === true;
  }

  get leadership(): Leadership | undefined {
    return this.#term?.isOver === false ? this.#term.leadership : undefined;
  }

  /** It leads, or could: it sees the leader's files ("shared means seen"). */
  get isReady(): boolean {
    return this.isLeading || this.#sharedStorage.sees;
  }

  /** Takes its place in the queue; resolves when the store has it. */
  async start(): Promise<void> {
    const { services } = this.#options;
    // The grant may come before this resolves.
    this.#joining = services.election.join(this);
    this.#candidacy = await this.#joining;
    if (this.#candidacy.leadership === undefined) {
      this.#lookAhead.start();
      this.#news.standsBy();
    }
  }

  /** Orderly: another leads before this process is gone. Tasks go on. */
  async shutDown(): Promise<void> {
    this.#isStopping = true;
    this.#watch.stop();
    this.#sharedStorage.stop();
    this.#lookAhead.stop();
    this.#suspension?.cancel();
    this.#term?.end('this JobManager is stopped; another one leads');
    try {
      await this.#candidacy?.leave();
    } catch (thrown) {
      this.#options.logger.warn(`Leadership cannot be given up now, its lease ends: ${messageOf(thrown)}`);
    }
  }

  // What the election says.

  granted(leadership: Leadership): void {
    const { logger, endpoints } = this.#options;
    if (this.#isStopping) {
      return;
    }
    logger.info(
      `JobManager ${endpoints.rpcAddress} was granted leadership with leaderSessionID=${leadership.sessionId} (epoch ${leadership.epoch})`,
    );
    this.#term?.end('a later leadership begins');
    this.#lookAhead.stop();
    const term = this.#newTerm(leadership);
    this.#term = term;
    void this.#begin(term);
  }

  uncertain(leadership: Leadership): void {
    if (isSameLeadership(this.#term?.leadership, leadership)) {
      this.#options.logger.warn(
        'No write was answered for too long: this JobManager stops acting until it knows whether it leads',
      );
      this.#term?.end('this JobManager does not know whether it still leads');
    }
  }

  /**
   * It goes on, under a higher epoch: what it had on the wire when it stopped is void then, as another leader's would be (I1),
   * and it starts from what the stores say.
   */
  certain(leadership: Leadership): void {
    const { logger } = this.#options;
    logger.info('This JobManager still leads, and goes on');
    void this.#raise(leadership, leadership.epoch);
  }

  revoked(leadership: Leadership, reason: RevocationReason): void {
    const { logger } = this.#options;
    const line = `JobManager ${this.endpoints.rpcAddress} was revoked leadership with leaderSessionID=${leadership.sessionId}`;
    if (this.#isStopping) {
      logger.info(`${line} (${reason}); it is being stopped`);
    } else {
      logger.warn(`${line} (${reason}); it is a standby now`);
    }
    if (isSameLeadership(this.#term?.leadership, leadership)) {
      this.#term?.end('this JobManager leads no longer');
      this.#term = undefined;
    }
    if (!this.#isStopping && reason !== 'raised') {
      this.#lookAhead.start();
    }
  }

  leaderChanged(leader: LeaderInformation | undefined): void {
    this.#news.heard(leader);
    this.#watch.leaderChanged(leader);
    void this.#sharedStorage.leaderChanged(leader);
  }

  // What clients ask.

  submit(submission: JobSubmission): Promise<SubmissionAnswer> {
    return this.#lead((dispatcher) => dispatcher.submit(submission));
  }

  list(): Promise<readonly JobSummary[]> {
    return this.#lead(async (dispatcher) => dispatcher.list());
  }

  details(jobId: JobId): Promise<JobDetails> {
    return this.#lead((dispatcher) => dispatcher.details(jobId));
  }

  cancel(jobId: JobId): Promise<void> {
    return this.#lead((dispatcher) => dispatcher.cancel(jobId));
  }

  stop(jobId: JobId, request: StopRequest): Promise<{ readonly triggerId: string }> {
    return this.#lead((dispatcher) => dispatcher.stop(jobId, request));
  }

  savepoint(jobId: JobId, request: SavepointRequest): Promise<{ readonly triggerId: string }> {
    return this.#lead((dispatcher) => dispatcher.savepoint(jobId, request));
  }

  checkpoint(jobId: JobId, request: SnapshotTrigger): Promise<{ readonly triggerId: string }> {
    return this.#lead((dispatcher) => dispatcher.checkpoint(jobId, request));
  }

  rescale(jobId: JobId, request: RescaleRequest): Promise<{ readonly triggerId: string }> {
    return this.#lead((dispatcher) => dispatcher.rescale(jobId, request));
  }

  parallelism(jobId: JobId): Promise<readonly VertexParallelism[]> {
    return this.#lead((dispatcher) => dispatcher.parallelism(jobId));
  }

  snapshotStatus(jobId: JobId, triggerId: string): Promise<SnapshotStatus> {
    return this.#lead((dispatcher) => dispatcher.snapshotStatus(jobId, triggerId));
  }

  disposeSavepoint(path: string): Promise<void> {
    return this.#lead((dispatcher) => dispatcher.disposeSavepoint(path));
  }

  retry(jobId: JobId): Promise<void> {
    return this.#lead((dispatcher) => dispatcher.retry(jobId));
  }

  suspend(): Promise<void> {
    return this.#lead(async (dispatcher, { leadership }) => {
      const { logger, clock } = this.#options;
      logger.info('The cluster is being stopped: jobs are left alone, and go on at the next start');
      dispatcher.suspend();
      this.#suspension?.cancel();
      this.#suspension = clock.after(SUSPENSION_MS, () => {
        if (isSameLeadership(this.leadership, leadership)) {
          logger.warn(`The cluster was not stopped within ${SUSPENSION_MS} ms: its jobs are taken up again`);
          void this.#raise(leadership, leadership.epoch);
        }
      });
    });
  }

  overview(): Promise<ClusterOverview> {
    return this.#lead(async (dispatcher, { resources }) => ({
      leader: this.#news.leader,
      slots: resources.overview,
      jobs: dispatcher.list(),
    }));
  }

  standbys(): Promise<Standbys> {
    return this.#lead(() => standbysOf(this.service.standbys));
  }

  reachability(): Promise<Reachability> {
    const { probePorts } = this.#options;
    return this.#lead((_, { leadership, resources }) =>
      reachabilityOf({
        own: this.endpoints,
        fence: { lineage: leadership.lineage, epoch: leadership.epoch },
        standbys: this.service.standbys,
        taskManagers: resources.taskManagers,
        probePorts,
      }),
    );
  }

  /** Whatever fails because the leadership ended meanwhile is for the next leader to answer. */
  async #lead<T>(run: (dispatcher: Dispatcher, term: LeaderTerm) => Promise<T>): Promise<T> {
    const term = this.#term;
    if (term?.isOpen !== true) {
      throw this.#notLeader();
    }
    try {
      return await run(term.dispatcher, term);
    } catch (thrown) {
      throw term.isOver || codeOf(thrown) === 'LEADERSHIP_LOST' ? this.#notLeader(thrown) : thrown;
    }
  }

  #notLeader(cause?: unknown): MillraceError {
    return notLeader(this.endpoints, this.#news.leader, cause);
  }

  #newTerm(leadership: Leadership): LeaderTerm {
    const { services, storage, starter, clock, random, logger, heartbeat, retention } = this.#options;
    return new LeaderTerm({
      leadership,
      instanceId: this.endpoints.instanceId,
      services,
      storage,
      starter,
      ownMarks: this.#ownMarks,
      retention,
      clock,
      random,
      logger,
      heartbeat,
      hints: this.#watch.hints,
      publish: () => this.#publish(leadership),
      probe: (address) => this.#probe(address, leadership),
      challenged: (epoch) => void this.#raise(leadership, epoch),
      changed: () => this.service.tellStandbys(),
    });
  }

  async #publish(leadership: Leadership): Promise<void> {
    await (await this.#joining)?.publish(leadership);
  }

  async #begin(term: LeaderTerm): Promise<void> {
    const { logger, clock } = this.#options;
    const sinceMs = clock.monotonic();
    try {
      await term.begin();
      void this.#lookAhead.forget();
      if (term.isOpen) {
        logger.info(
          `JobManager ${this.endpoints.rpcAddress} leads with epoch ${term.leadership.epoch}, ${Math.round(clock.monotonic() - sinceMs)} ms after the grant`,
        );
      }
    } catch (thrown) {
      if (!term.isOver) {
        logger.error(`Leading failed, leadership is given up: ${messageOf(thrown)}`);
        term.end('this JobManager cannot lead');
        // Where it is the only one it is granted leadership again at once.
        clock.after(RESIGN_PAUSE_MS, () => void this.#resign(term.leadership));
      }
    }
  }

  async #resign(leadership: Leadership): Promise<void> {
    try {
      if (isSameLeadership(this.#candidacy?.leadership, leadership)) {
        await this.#candidacy?.resign();
      }
    } catch (thrown) {
      this.#options.logger.warn(`Leadership cannot be given up now, its lease ends: ${messageOf(thrown)}`);
    }
  }

  async #raise(leadership: Leadership, above: number): Promise<void> {
    const { logger, clock } = this.#options;
    const candidacy = await this.#joining;
    try {
      await candidacy?.raise(leadership, above);
    } catch (thrown) {
      logger.warn(`The epoch cannot be raised above ${above}: ${messageOf(thrown)}`);
      if (!this.#isStopping && isAway(thrown) && isSameLeadership(candidacy?.leadership, leadership)) {
        clock.after(RAISE_PAUSE_MS, () => void this.#raise(leadership, above));
      }
    }
  }

  /** The instance id of whoever answers there; a TaskManager hears who leads now, before it sees it in the store. */
  async #probe(rpcAddress: string, { lineage, epoch }: Leadership): Promise<string> {
    const { transport, heartbeat, logger } = this.#options;
    const service = { serves: {}, handlers: {}, calls: taskManagerProtocol };
    const timeoutMs = heartbeat.timeoutMs;
    const connection = await transport.connect(parseAddress(rpcAddress), service, { timeoutMs });
    if (connection.peer.role === 'taskmanager') {
      await connection
        .call('ping', { fence: { lineage, epoch } }, { timeoutMs })
        .catch((error: unknown) => logger.debug(`${rpcAddress} does not follow: ${messageOf(error)}`));
    }
    connection.close();
    return connection.peer.instanceId;
  }
}
