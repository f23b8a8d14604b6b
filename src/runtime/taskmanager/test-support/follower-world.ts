import type { MillraceError } from '../../../foundation/common/errors.ts';
import type { Fence } from '../../../foundation/common/fence.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import { NewestFence } from '../../rpc/fencing.ts';
import { InMemoryWorld } from '../../rpc/test-support/in-memory-world.ts';
import { LeaderFollower } from '../leader-follower.ts';
import { TaskManager } from '../task-manager.ts';
import { contextOf, FakeLeader, FakeRetrieval } from './fake-leader.ts';
import { deploymentOf, FakeThreads, idOf } from './fake-threads.ts';

const HEARTBEAT = { intervalMs: 1_000, timeoutMs: 6_000, failureThreshold: 2 };
const TIMING = { initialTimeoutMs: 100, maxTimeoutMs: 30_000, errorDelayMs: 10_000, refusedDelayMs: 30_000 };
export const fence = (epoch: number, lineage = 'l'): Fence => ({ lineage, epoch });
export const TASK = deploymentOf('a', 0);

/** A TaskManager with real tables and fake threads, and the leaders that a test makes. */
export class FollowerWorld extends InMemoryWorld {
  readonly retrieval = new FakeRetrieval();
  readonly threads = new FakeThreads();
  readonly fence = new NewestFence();
  readonly log: string[] = [];
  readonly gaveUp: MillraceError[] = [];
  readonly tasks: TaskManager;
  readonly follower: LeaderFollower;

  constructor() {
    super();
    const { clock, retrieval, fence: newest } = this;
    const note = (message: string): void => void this.log.push(message);
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    this.tasks = new TaskManager({
      slots: 2,
      threads: 2,
      startThread: this.threads.start,
      clock,
      logger,
      fence: newest,
      events: { client: () => {}, console: () => {} },
      cancellationTimeoutMs: 0,
      cancellationIntervalMs: 0,
    });
    this.follower = new LeaderFollower({
      clock,
      random: seededRandom(1),
      logger,
      transport: this.network.transport('tm', contextOf(clock, 'taskmanager', 'tm')),
      retrieval,
      fence: newest,
      tasks: this.tasks,
      registration: (localHost) => ({
        resourceId: 'tm',
        instanceId: 'tm-instance',
        rpcAddress: `${localHost}:1`,
        slots: 2,
        data: [],
        memoryBytes: 1,
        cores: 1,
      }),
      timing: TIMING,
      heartbeat: HEARTBEAT,
      probePorts: async (targets) => ({ network: 'sim', outcomes: targets.map(() => ({})) }),
      absenceTimeoutMs: 60_000,
      registrationTimeoutMs: 100_000,
      gaveUp: (error) => void this.gaveUp.push(error),
    });
  }

  async leader(own: Fence): Promise<FakeLeader> {
    const leader = new FakeLeader(own);
    const name = `jm-${own.lineage}-${own.epoch}`;
    await leader.listen(this.network.transport(name, contextOf(this.clock, 'jobmanager', name)));
    return leader;
  }

  /** It leads, and this TaskManager is registered with it. */
  async follow(own: Fence): Promise<FakeLeader> {
    const leader = await this.leader(own);
    const before = this.#registered;
    this.retrieval.name(leader.information);
    this.follower.start();
    await this.until(() => this.#registered > before, 'the registration');
    return leader;
  }

  /** The next leader is named by the store. */
  async replace(own: Fence): Promise<FakeLeader> {
    const leader = await this.leader(own);
    const before = this.#registered;
    this.retrieval.name(leader.information);
    await this.until(() => this.#registered > before, 'the registration');
    return leader;
  }

  async deploy(leader: FakeLeader): Promise<void> {
    leader.connection!.send('deploy', { fence: leader.fence, deployments: [TASK] });
    await this.until(() => this.threads.deployed(0).includes(idOf(TASK)), 'the deployment');
  }

  get #registered(): number {
    return this.log.filter((line) => line.startsWith('Registered')).length;
  }

  limits(): (number | undefined)[] {
    return this.threads
      .at(0)
      .commands.flatMap((command) => (command.kind === 'alignment-limit' ? [command.limitMs] : []));
  }
}
