import type { MillraceError } from '../../foundation/common/errors.ts';
import type { ThreadChannel, ThreadPort } from '../network/thread-port.ts';
import type { ThreadCommand, ThreadMemory, ThreadReport } from './thread-protocol.ts';

/** A running thread: a worker, or code of this thread when a debugger is attached. */
export interface ThreadHost {
  send(command: ThreadCommand, ports?: readonly ThreadPort[]): void;
  /** Makes what connects it with another thread; missing: a `MessageChannel`. */
  channel?(): ThreadChannel;
  /** Ends the thread whatever it does; resolves when nothing of it runs any more. Later reports are dropped. */
  terminate(): Promise<void>;
  /**
   * What it takes now, found out from outside, so that user code that never returns does not hide it. Rejects when the
   * thread has ended; missing where a thread cannot be looked into.
   */
  memory?(): Promise<ThreadMemory>;
}

export interface ThreadEvents {
  report(report: ThreadReport): void;
  /** The thread ended without being told to; nothing of it runs any more. */
  died(error: MillraceError): void;
}

/** `dataPort`: the one that a thread of this index had, which others may still connect to. */
export type StartThread = (index: number, events: ThreadEvents, dataPort?: number) => ThreadHost;
