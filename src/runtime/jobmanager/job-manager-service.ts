import { MillraceError } from '../../foundation/common/errors.ts';
import type { Hello } from '../rpc/hello.ts';
import type { RpcConnection } from '../rpc/rpc-connection.ts';
import type { RpcHandlers } from '../rpc/rpc-protocol.ts';
import { accepted, type Accepted } from '../rpc/rpc-transport.ts';
import {
  jobManagerProtocol,
  standbyProtocol,
  taskManagerProtocol,
  type JobManagerProtocol,
  type StandbyProtocol,
  type TaskManagerProtocol,
} from '../protocol/cluster-protocol.ts';
import type { LeaderTerm } from './leader-term.ts';
import type { ResourceManager } from './resource-manager/resource-manager.ts';

/** What a JobManager does for the processes that connect to it, whether it leads or not. */
export class JobManagerService {
  readonly #term: () => LeaderTerm | undefined;
  readonly #standbys = new Set<RpcConnection<StandbyProtocol>>();
  readonly #taskManagers: RpcHandlers<JobManagerProtocol, TaskManagerProtocol>;

  /** `term`: while it leads. */
  constructor(term: () => LeaderTerm | undefined) {
    this.#term = term;
    this.#taskManagers = {
      registerTaskManager: (request, connection) => this.#resources().register(connection, request),
      taskReport: ({ fence, job, report }, connection) => this.#resources().taskReport(connection, fence, job, report),
      taskMetrics: ({ fence, job, metrics }, connection) =>
        this.#term()?.resources.taskMetrics(connection, fence, job, metrics),
      dataLocations: ({ fence, data }, connection) => this.#resources().relocated(connection, fence, data),
      heartbeat: () => {},
    };
  }

  get standbys(): readonly RpcConnection<StandbyProtocol>[] {
    return [...this.#standbys];
  }

  accept(peer: Hello): Accepted {
    switch (peer.role) {
      case 'taskmanager':
        return accepted(
          { serves: jobManagerProtocol, handlers: this.#taskManagers, calls: taskManagerProtocol },
          () => {},
        );
      case 'jobmanager':
        return accepted({ serves: {}, handlers: {}, calls: standbyProtocol }, (connection) =>
          this.#watched(connection),
        );
      case 'client':
        return accepted({ serves: {}, handlers: {}, calls: {} }, () => {});
    }
  }

  /** Standbys hear who is there (R11). */
  tellStandbys(): void {
    this.#standbys.forEach((standby) => this.#tell(standby));
  }

  #watched(connection: RpcConnection<StandbyProtocol>): void {
    this.#standbys.add(connection);
    void connection.closed.then(() => this.#standbys.delete(connection));
    this.#tell(connection);
  }

  #tell(standby: RpcConnection<StandbyProtocol>): void {
    const term = this.#term();
    if (term?.isOpen === true) {
      const { lineage, epoch } = term.leadership;
      standby.send('taskManagers', { fence: { lineage, epoch }, taskManagers: [...term.resources.hints] });
    }
  }

  /** Of a leader, from its grant on: it makes those wait that come before its jobs are loaded. */
  #resources(): ResourceManager {
    const term = this.#term();
    if (term === undefined || term.isOver) {
      throw new MillraceError('FENCED', 'this JobManager does not lead', { retryable: true });
    }
    return term.resources;
  }
}
