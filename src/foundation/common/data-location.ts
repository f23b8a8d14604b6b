/** A thread of some TaskManager on the data plane. */
export interface RemoteThread {
  /** Of the TaskManager's process: a new one for each start. */
  readonly instanceId: string;
  readonly thread: number;
}

/** Where a task thread takes connections from threads of other processes. */
export interface DataLocation extends RemoteThread {
  readonly host: string;
  readonly port: number;
}

/** For messages. */
export const threadTitle = ({ instanceId, thread }: RemoteThread): string =>
  `thread ${thread} of TaskManager ${instanceId}`;
