import type { FramePort } from './frame-port.ts';

/** One end of what connects two threads of a process: what is used of a `MessagePort`. */
export interface ThreadPort {
  /** The memory of the frames goes over with them. */
  postMessage(frames: readonly Uint8Array[], transfer: readonly ArrayBuffer[]): void;
  on(event: 'message', take: (frames: readonly Uint8Array[]) => void): unknown;
  close(): void;
}

export interface ThreadChannel {
  readonly port1: ThreadPort;
  readonly port2: ThreadPort;
}

/** Frames over a `MessagePort`: the buffers are moved to the other thread, not copied. */
export const threadPort = (port: ThreadPort, onFrames: (frames: readonly Uint8Array[]) => void): FramePort => {
  port.on('message', (frames: readonly Uint8Array[]) => onFrames(frames));
  return {
    // The receiver takes messages whenever its turn comes; credits bound what waits.
    isCongested: false,
    post: (frames) => {
      port.postMessage(
        frames,
        frames.map((frame) => frame.buffer),
      );
    },
    close: () => port.close(),
  };
};
