import type { ThreadEvents, StartThread } from '../thread-host.ts';
import type { AttemptRef, JobId, VertexId } from '../../../foundation/common/ids.ts';
import { attemptId, type AttemptId } from '../../../foundation/common/ids.ts';
import type { TaskCommand, TaskDeployment, TaskReport, TaskState } from '../../protocol/task-commands.ts';
import type { ThreadCommand } from '../thread-protocol.ts';

export interface FakeThread {
  readonly index: number;
  readonly commands: ThreadCommand[];
  readonly events: ThreadEvents;
  terminated: boolean;
  /** Lets `terminate` resolve. */
  gone: () => void;
}

/** Threads that only note what they are told; the test speaks for them. */
export class FakeThreads {
  /** In the order of their starts. */
  readonly started: FakeThread[] = [];
  readonly start: StartThread = (index, events) => {
    const thread: FakeThread = { index, commands: [], events, terminated: false, gone: () => {} };
    this.started.push(thread);
    return {
      send: (command) => void thread.commands.push(command),
      terminate: () => {
        thread.terminated = true;
        return new Promise<void>((resolve) => {
          thread.gone = resolve;
        });
      },
    };
  };

  /** The one that runs now, or is ending. */
  at(index: number): FakeThread {
    return this.started.findLast((thread) => thread.index === index)!;
  }

  reports(index: number, report: TaskReport): void {
    this.at(index).events.report({ kind: 'task', report });
  }

  state(index: number, attempt: AttemptId, state: TaskState): void {
    this.reports(index, { kind: 'state', attempt, state });
  }

  /** The attempts that the thread was told to start. */
  deployed(index: number): AttemptId[] {
    return this.at(index).commands.flatMap((command) =>
      command.kind === 'deploy' ? command.tasks.map(({ attempt }) => attemptId(attempt)) : [],
    );
  }

  commands(index: number): TaskCommand[] {
    return this.at(index).commands.flatMap((command) => (command.kind === 'command' ? [command.command] : []));
  }
}

/** Subtask `slot` of a job's one vertex, in that slot. */
export const deploymentOf = (
  job: string,
  slot: number,
  { number = 1, epoch = 1, subtask = slot }: { number?: number; epoch?: number; subtask?: number } = {},
): TaskDeployment => {
  const attempt: AttemptRef = {
    job: job as JobId,
    graphVersion: 1,
    vertex: 'v' as VertexId,
    subtask,
    generation: { epoch, number },
  };
  return {
    attempt,
    jobName: `name of ${job}`,
    slot,
    instanceId: undefined,
    producers: {},
    inputs: [],
    outputs: [],
    restore: undefined,
    floor: 0,
    checkpointFolder: undefined,
    graph: {},
    program: {},
    vertex: attempt.vertex,
  } as unknown as TaskDeployment;
};

export const idOf = ({ attempt }: TaskDeployment): AttemptId => attemptId(attempt);
