import type { DataLocation, RemoteThread } from '../../foundation/common/data-location.ts';

/** Carries frames to one peer, in order; a `MessagePort` between threads, a socket between processes. */
export interface FramePort {
  /** Takes the frames over; they must not be changed any more. */
  post(frames: readonly Uint8Array<ArrayBuffer>[]): void;
  /** Sends what was posted, then ends the connection. */
  close(): void;
  /** So much waits that nothing more should come before `PortEvents.drained`. */
  readonly isCongested: boolean;
  /** Ends a connection whose other side broke the rules; `PortEvents.lost` follows. Missing: the port outlives that. */
  readonly abort?: (reason: string) => void;
}

/** What a port to another process tells. Never called before the call that made the port has returned. */
export interface PortEvents {
  frame(frame: Uint8Array): void;
  /** There is room again. */
  drained(): void;
  /** The connection is gone, or never came about; called once, and not after `close`. */
  lost(reason: string): void;
}

/** A thread of another process wants to connect; the answer is where its frames go. */
export type AcceptPort = (peer: RemoteThread, port: FramePort) => PortEvents;

/** Connections of this thread with threads of other processes. */
export interface DataPlane {
  /** Resolves to the address that other processes use. */
  listen(accept: AcceptPort): Promise<{ readonly host: string; readonly port: number }>;
  /** A port to a producer's thread; frames wait until the connection stands. */
  dial(location: DataLocation, events: PortEvents): FramePort;
  /** Nothing is open afterwards. */
  close(): Promise<void>;
}
