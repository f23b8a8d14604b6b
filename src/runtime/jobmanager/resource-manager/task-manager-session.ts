import { codeOf, errorInfo, messageOf, type ErrorInfo } from '../../../foundation/common/errors.ts';
import { attemptId, type AttemptId, type JobId } from '../../../foundation/common/ids.ts';
import type { DataLocation } from '../../../foundation/common/data-location.ts';
import type { Fence } from '../../../foundation/common/fence.ts';
import type { Logger } from '../../../foundation/common/logger.ts';
import type { TaskManagerProtocol, TaskManagerRegistration } from '../../protocol/cluster-protocol.ts';
import type { AttemptReport, TaskCommand, TaskDeployment, TaskExecutorGateway } from '../../protocol/task-commands.ts';
import type { RpcConnection } from '../../rpc/rpc-connection.ts';
import { isOver } from './reported-attempts.ts';

export type TaskManagerConnection = RpcConnection<TaskManagerProtocol>;

export interface SessionHost {
  readonly logger: Logger;
  /** A deployment could not be sent, and will not be. */
  undeployed(deployment: TaskDeployment, error: ErrorInfo): void;
}

/** A TaskManager that has registered, over the connection that it has now. */
export class TaskManagerSession implements TaskExecutorGateway {
  readonly connection: TaskManagerConnection;
  readonly registration: TaskManagerRegistration;
  /** Jobs that the store knows and that were not loaded when it reported attempts of them (R11). */
  readonly unrouted = new Set<JobId>();
  /** Jobs whose JobMaster heard of its attempts, or has sent it some. */
  readonly routed = new Set<JobId>();
  /** Attempts of jobs that the store does not know, until each has ended. */
  readonly strays = new Map<JobId, Set<AttemptId>>();
  readonly #host: SessionHost;
  #data: readonly DataLocation[];

  constructor(connection: TaskManagerConnection, registration: TaskManagerRegistration, host: SessionHost) {
    this.connection = connection;
    this.registration = registration;
    this.#host = host;
    this.#data = registration.data;
  }

  get instanceId(): string {
    return this.registration.instanceId;
  }

  get data(): readonly DataLocation[] {
    return this.#data;
  }

  locate(slot: number): DataLocation | undefined {
    return this.#data[slot];
  }

  relocated(data: readonly DataLocation[]): void {
    this.#data = data;
  }

  deploy(fence: Fence, deployments: readonly TaskDeployment[]): void {
    deployments.forEach(({ attempt }) => this.routed.add(attempt.job));
    try {
      this.connection.send('deploy', { fence, deployments: [...deployments] });
    } catch (thrown) {
      if (codeOf(thrown) === 'MESSAGE_TOO_LARGE' && deployments.length > 1) {
        const half = deployments.length >> 1;
        this.deploy(fence, deployments.slice(0, half));
        this.deploy(fence, deployments.slice(half));
        return;
      }
      const error = errorInfo(thrown);
      deployments.forEach((deployment) => this.#host.undeployed(deployment, error));
    }
  }

  command(fence: Fence, attempt: AttemptId, command: TaskCommand): void {
    try {
      this.connection.send('command', { fence, attempt, command });
    } catch (thrown) {
      // A command that is missing in the order is not made good by those after it: the TaskManager has to report anew.
      const message = `a command of kind '${command.kind}' to ${attempt} cannot be sent: ${messageOf(thrown)}`;
      this.#host.logger.error(message);
      this.connection.close(message);
    }
  }

  releaseJob(fence: Fence, jobId: JobId): void {
    this.strays.delete(jobId);
    this.connection.send('releaseJob', { fence, job: jobId });
  }

  /** The answer comes after the commands that its report led to: from then on it is known to act for this leadership. */
  async confirm(fence: Fence): Promise<void> {
    const { resourceId } = this.registration;
    try {
      await this.connection.call('ping', { fence });
      this.#host.logger.info(`TaskManager ${resourceId} takes the commands of epoch ${fence.epoch}`);
    } catch (thrown) {
      // The end of the connection, or its silence, decides what becomes of it.
      this.#host.logger.debug(`TaskManager ${resourceId} does not answer: ${messageOf(thrown)}`);
    }
  }

  /** What nobody asked for ends. */
  cancelStrays(fence: Fence, jobId: JobId, attempts: readonly AttemptReport[]): void {
    const running = attempts.filter(({ state }) => !isOver(state)).map(({ attempt }) => attemptId(attempt));
    if (running.length === 0) {
      this.releaseJob(fence, jobId);
      return;
    }
    this.strays.set(jobId, new Set(running));
    running.forEach((attempt) => this.command(fence, attempt, { kind: 'cancel' }));
  }

  /** Whether the last attempt of that job has ended with this one. */
  strayEnded(jobId: JobId, attempt: AttemptId): boolean {
    const running = this.strays.get(jobId);
    return running?.delete(attempt) === true && running.size === 0;
  }
}

export interface KnownTaskManager {
  readonly registration: TaskManagerRegistration;
  /** `undefined`: its connection is gone, and it may come back. */
  readonly session: TaskManagerSession | undefined;
}
