import type { MessagePort } from 'node:worker_threads';
import type { FramePort } from './frame-port.ts';

/** Frames over a `MessagePort`: the buffers are moved to the other thread, not copied. */
export const threadPort = (port: MessagePort, onFrames: (frames: readonly Uint8Array[]) => void): FramePort => {
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
