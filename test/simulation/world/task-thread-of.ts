import type { Translation } from '../../../src/pipeline/graph/translate.ts';
import type { Random } from '../../../src/foundation/common/random.ts';
import type { ThreadChannel, ThreadPort } from '../../../src/runtime/network/thread-port.ts';
import type { RemoteThread } from '../../../src/foundation/common/data-location.ts';
import type { Clock } from '../../../src/foundation/common/clock.ts';
import type { Location } from '../../../src/foundation/filesystem/file-systems.ts';
import type { JobProgram } from '../../../src/runtime/protocol/task-commands.ts';
import { heapStateFactories } from '../../../src/process/state-factories.ts';
import { taskFiles } from '../../../src/runtime/taskmanager/task-files.ts';
import { TaskThread } from '../../../src/runtime/taskmanager/task-thread.ts';
import type { StartThread } from '../../../src/runtime/taskmanager/thread-host.ts';
import type { ThreadCommand, ThreadReport, ThreadSettings } from '../../../src/runtime/taskmanager/thread-protocol.ts';
import type { DataNetwork } from './data-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export interface ThreadSurroundings {
  readonly process: SimulatedProcess;
  readonly data: DataNetwork;
  readonly instanceId: string;
  readonly locate: (uri: string) => Location;
  readonly load: (program: JobProgram) => Promise<Translation>;
}

/** Messages between a thread and its process take up to so long. */
const MESSAGE_MS = 0.5;
const APART_MS = 0.001;
/** Virtual time stands still while a task works: its turns take this long. */
const TURN_MS = 0.2;

const SETTINGS: Omit<ThreadSettings, 'index'> = {
  bufferTimeoutMs: 5,
  batchBytes: 4_096,
  channelCredit: 2,
  floatingCredit: 8,
  // Some state is small enough to travel in the metadata, some is not.
  inlineThresholdBytes: 48,
  metricsIntervalMs: 10_000,
};

/** Starts threads of a simulated TaskManager: the shipped ones, whose effects are the world's. */
export const simulatedThreads =
  (surroundings: ThreadSurroundings): StartThread =>
  (index, events) => {
    const { process, data, instanceId, locate, load } = surroundings;
    const own: RemoteThread = { instanceId, thread: index };
    let hasEnded = false;
    const act = (run: () => void) => (): void => {
      if (!hasEnded) {
        run();
      }
    };
    const clock: Clock = {
      now: () => process.clock.now(),
      monotonic: () => process.clock.monotonic(),
      after: (delayMs, run) => process.clock.after(delayMs, act(run)),
    };
    const toProcess = inOrder(clock, process.random);
    const toThread = inOrder(clock, process.random);
    const send = (report: ThreadReport): void => toProcess(() => events.report(report));
    const plane = data.planeOf(process, own);
    const thread = new TaskThread(
      { ...SETTINGS, index },
      {
        clock,
        nextTurn: (run) => void clock.after(TURN_MS, run),
        send,
        load,
        stateFactories: heapStateFactories,
        ...taskFiles({
          locate,
          random: process.random,
          inlineThresholdBytes: SETTINGS.inlineThresholdBytes,
          readsLocal: false,
        }),
        dataPlane: plane,
        memory: () => ({ heapUsedBytes: 0, arrayBufferBytes: 0 }),
        collectGarbage: () => {},
        stopped: () => {},
      },
    );
    return {
      channel: () => threadChannel(process),
      send: (command: ThreadCommand) => toThread(() => thread.handle(command)),
      terminate: async () => {
        hasEnded = true;
        await plane.close();
      },
    };
  };

/** What is delivered through it keeps its order; virtual time stands still while somebody works, so it takes a moment. */
const inOrder = (clock: Clock, random: Random): ((deliver: () => void) => void) => {
  let lastMs = 0;
  return (deliver) => {
    const nowMs = clock.monotonic();
    // Later than the one before it: among those of one moment the seed decides.
    lastMs = Math.max(lastMs + APART_MS, nowMs + random.next() * MESSAGE_MS);
    clock.after(lastMs - nowMs, deliver);
  };
};

/** As a `MessageChannel`, in the time of the process. */
const threadChannel = ({ clock, random }: SimulatedProcess): ThreadChannel => {
  const port1 = new SimulatedPort(inOrder(clock, random));
  const port2 = new SimulatedPort(inOrder(clock, random));
  port1.far = port2;
  port2.far = port1;
  return { port1, port2 };
};

class SimulatedPort implements ThreadPort {
  far: SimulatedPort | undefined;
  readonly #send: (deliver: () => void) => void;
  #take: ((frames: readonly Uint8Array[]) => void) | undefined;
  #isClosed = false;

  constructor(send: (deliver: () => void) => void) {
    this.#send = send;
  }

  postMessage(frames: readonly Uint8Array[]): void {
    const { far } = this;
    if (!this.#isClosed) {
      this.#send(() => far?.arrived(frames));
    }
  }

  on(_event: 'message', take: (frames: readonly Uint8Array[]) => void): void {
    this.#take = take;
  }

  /** What was sent arrives; the other end hears nothing. */
  close(): void {
    this.#isClosed = true;
  }

  arrived(frames: readonly Uint8Array[]): void {
    if (!this.#isClosed) {
      this.#take?.(frames);
    }
  }
}
