import type { Configuration } from '../../foundation/config/configuration.ts';

export type ProcessKind = 'zookeeper' | 'jobmanager' | 'taskmanager' | 'supervisor';

/** `SIGKILL`: as a crash; `SIGSTOP` and `SIGCONT`: a process that is frozen, and woken. */
export type ProcessSignal = 'SIGKILL' | 'SIGSTOP' | 'SIGCONT';

/** A process of a cluster on this machine. */
export interface ClusterProcess {
  /** `jobmanager-1`. */
  readonly name: string;
  readonly kind: ProcessKind;
  readonly pid: number;
  readonly isAlive: boolean;
  /** Of a JobManager. */
  readonly restPort: number | undefined;
  /** Of a ZooKeeper server. */
  readonly clientPort?: number;
  /** How often the supervisor started it again. */
  readonly restarts: number;
  readonly log: string;
}

export interface ClusterStart {
  readonly jobManagers: number;
  readonly taskManagers: number;
  /** An ensemble of the cluster's own; `undefined`: the one that it had at an earlier start, if any. */
  readonly zooKeeperServers?: number;
  /** Dead processes are started again. */
  readonly isSupervised: boolean;
  readonly isInsecure: boolean;
  /** As the user gave it. */
  readonly configuration: Configuration;
  /** `--config`, for the processes. */
  readonly configDir: string | undefined;
  /** What the leader says; `undefined`: nobody answers yet. `settings`: how clients reach the cluster. */
  readonly look: (settings: Readonly<Record<string, string>>) => Promise<ClusterSight | undefined>;
}

export interface TaskManagerAddition {
  readonly count: number;
  /** Over what the cluster was started with. */
  readonly configuration: Configuration;
  /** By name: whether all of them have registered with the leader. */
  readonly areRegistered: (names: readonly string[]) => Promise<boolean>;
}

/** What the leader of a cluster says. */
export interface ClusterSight {
  /** That are registered. */
  readonly taskManagers: number;
  readonly leader: { readonly restAddress: string; readonly sessionId: string };
}

/** How the leader comes to leave all jobs alone, until the next start. */
export interface ClusterSuspension {
  /** The REST port of the leader; `undefined`: nobody leads. */
  readonly leaderPort: number | undefined;
  suspend(): Promise<void>;
}

/** Cuts a process of the cluster off from everybody, itself included: what it sends and what is sent to it is lost, and nobody is told. */
export interface NetworkCuts {
  /** A command that ends a cut, for people. */
  readonly undo: string;
  /** Why nobody can be cut off here, with the way out; `undefined`: it can be done. */
  obstacle(): Promise<string | undefined>;
  /** What a cut would do now, for people. */
  preview(process: ClusterProcess, limitMs: number): readonly string[];
  /** Until `end`, or for that long where nobody is left to end it; false: the process is gone. Ends another cut. Errors: UNSUPPORTED. */
  cut(process: Pick<ClusterProcess, 'name' | 'pid'>, limitMs: number): Promise<boolean>;
  /** Ends a cut, also that of a drill that did not live to do so; false: there was none. Errors: BAD_OPTION when that drill lives, UNSUPPORTED. */
  end(): Promise<boolean>;
}

/** A cluster of processes on this machine, which a folder stands for. */
export interface LocalCluster {
  readonly folder: string;
  readonly cuts: NetworkCuts;
  /** How clients reach it; `undefined`: it is not started. */
  settings(): Promise<Readonly<Record<string, string>> | undefined>;
  /**
   * Resolves when all its processes work together. Errors: BAD_OPTION when it is started already,
   * STORE_IN_USE when another one leads in its HA store, UNREACHABLE when it does not come up.
   */
  start(request: ClusterStart): Promise<void>;
  /**
   * Ends its processes in order; false when it was not started. With a suspension, TaskManagers that end before the leader are no
   * failure of any job.
   */
  stop(suspension?: ClusterSuspension): Promise<boolean>;
  /** Starts more TaskManagers and resolves to their names when they are registered. Errors: BAD_OPTION when no cluster runs, UNREACHABLE. */
  addTaskManagers(addition: TaskManagerAddition): Promise<readonly string[]>;
  processes(): Promise<readonly ClusterProcess[]>;
  /** What each ZooKeeper server of the cluster says that it is, by name: `leader`, `follower`, `unreachable` and the like. */
  zooKeeperModes(): Promise<ReadonlyMap<string, string>>;
  /** What the log of each JobManager has last of what may keep it from leading; nothing of one whose log has no warning. */
  troubles(): Promise<readonly { readonly name: string; readonly at: string; readonly text: string }[]>;
  /** Sends a signal to that process if it still is the one that has this number; false: it is gone, or another one took its place. */
  signal(process: Pick<ClusterProcess, 'name' | 'pid'>, name: ProcessSignal): Promise<boolean>;
  /** Starts a process that died again, as `start` did; `env`: values that its command line does not have. Errors: BAD_OPTION when it lives. */
  startAgain(name: string, env: Readonly<Record<string, string>>): Promise<void>;
  /**
   * Starts all that died again and resolves to their names when `areThere`. Secrets are those of `configuration`. Errors: UNREACHABLE when one
   * ends at its start, or they take too long.
   */
  startDead(configuration: Configuration, areThere: () => Promise<boolean>): Promise<readonly string[]>;
  /** What the supervisor's process does, until `ended`; it logs as `configuration` says. */
  supervise(configuration: Configuration, ended: Promise<void>): Promise<void>;
}
