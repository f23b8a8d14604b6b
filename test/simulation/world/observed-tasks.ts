import type { AttemptId } from '../../../src/foundation/common/ids.ts';
import type {
  Fence,
  JobMasterGateway,
  TaskCommand,
  TaskDeployment,
  TaskReport,
} from '../../../src/runtime/protocol/task-commands.ts';
import type { FollowedTasks } from '../../../src/runtime/taskmanager/leader-follower.ts';

/** What passes between a TaskManager's tasks and whoever leads. */
export interface TaskObserver {
  deployed(fence: Fence, deployment: TaskDeployment): void;
  commanded(fence: Fence, attempt: AttemptId, command: TaskCommand): void;
  reported(report: TaskReport): void;
}

/** The same tasks; the observer sees a command before they do, and a report before the leader. */
export const observedTasks = (tasks: FollowedTasks, observer: TaskObserver): FollowedTasks => ({
  get reports() {
    return tasks.reports;
  },
  register: (leader) => tasks.register(leader === undefined ? undefined : observedLeader(leader, observer)),
  deploy: (fence, deployments) => {
    deployments.forEach((deployment) => observer.deployed(fence, deployment));
    tasks.deploy(fence, deployments);
  },
  command: (fence, attempt, command) => {
    observer.commanded(fence, attempt, command);
    tasks.command(fence, attempt, command);
  },
  releaseJob: (fence, job) => tasks.releaseJob(fence, job),
  limitAlignments: (limitMs) => tasks.limitAlignments(limitMs),
  cancelAll: () => tasks.cancelAll(),
  startAfresh: () => tasks.startAfresh(),
});

const observedLeader = (leader: JobMasterGateway, observer: TaskObserver): JobMasterGateway => ({
  report: (report) => {
    observer.reported(report);
    leader.report(report);
  },
  metrics: (metrics) => leader.metrics(metrics),
});
