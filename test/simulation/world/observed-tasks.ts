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
  /** Commands come twice now, as after a connection that broke (R15). */
  readonly repeats: boolean;
}

/** The same tasks; the observer sees a command before they do, and a report before the leader. */
export const observedTasks = (tasks: FollowedTasks, observer: TaskObserver): FollowedTasks => ({
  get reports() {
    return tasks.reports;
  },
  register: (leader) => tasks.register(leader === undefined ? undefined : observedLeader(leader, observer)),
  deploy: (fence, deployments) => {
    twice(observer, () => {
      deployments.forEach((deployment) => observer.deployed(fence, deployment));
      tasks.deploy(fence, deployments);
    });
  },
  command: (fence, attempt, command) => {
    twice(observer, () => {
      observer.commanded(fence, attempt, command);
      tasks.command(fence, attempt, command);
    });
  },
  releaseJob: (fence, job) => twice(observer, () => tasks.releaseJob(fence, job)),
  limitAlignments: (limitMs) => tasks.limitAlignments(limitMs),
  cancelAll: () => tasks.cancelAll(),
  startAfresh: () => tasks.startAfresh(),
});

const twice = ({ repeats }: TaskObserver, act: () => void): void => {
  act();
  if (repeats) {
    act();
  }
};

const observedLeader = (leader: JobMasterGateway, observer: TaskObserver): JobMasterGateway => ({
  report: (report) => {
    observer.reported(report);
    leader.report(report);
  },
  metrics: (metrics) => leader.metrics(metrics),
});
