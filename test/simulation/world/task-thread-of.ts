import type { Translation } from '../../../src/pipeline/graph/translate.ts';
import type { Random } from '../../../src/foundation/common/random.ts';
import type { ThreadChannel, ThreadPort } from '../../../src/runtime/network/thread-port.ts';
import type { RemoteThread } from '../../../src/foundation/common/data-location.ts';
import type { Clock } from '../../../src/foundation/common/clock.ts';
import type { Location } from '../../../src/foundation/filesystem/file-systems.ts';
import type { JobProgram } from '../../../src/runtime/protocol/task-commands.ts';
import { heapStateFactories } from '../../../src/process/state-factories.ts';
import type { SubtaskCopies } from '../../../src/runtime/taskmanager/local-state/subtask-copies.ts';
import { taskFiles } from '../../../src/runtime/taskmanager/task-files.ts';
import { TaskThread } from '../../../src/runtime/taskmanager/task-thread.ts';
import type { StartThread } from '../../../src/runtime/taskmanager/thread-host.ts';
import type { ThreadCommand, ThreadReport, ThreadSettings } from '../../../src/runtime/taskmanager/thread-protocol.ts';
import type { ChannelWatch, Wire } from './channel-watch.ts';
import type { DataNetwork } from './data-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export interface ThreadSurroundings {
  readonly process: SimulatedProcess;
  readonly data: DataNetwork;
  readonly instanceId: string;
  readonly locate: (uri: string) => Location;
  readonly load: (program: JobProgram) => Promise<Translation>;
  readonly userCode: UserCode;
  readonly channels: ChannelWatch;
  /** Missing: no copies of state are kept on the machine. */
  readonly copiesOf: ((job: string, subtask: string) => SubtaskCopies) | undefined;
}

/** Where user code runs at the moment, so that it can hold its thread up. */
export class UserCode {
  thread: BusyThread | undefined;

  /** It does not return for so long. */
  block(forMs: number): void {
    this.thread?.block(forMs);
  }
}

/** What a thread does, one thing after the other; nothing of it while user code holds it up. */
class BusyThread {
  readonly #process: SimulatedProcess;
  readonly #userCode: UserCode;
  #isBlocked = false;
  #hasEnded = false;
  #waiting: (() => void)[] = [];

  constructor(process: SimulatedProcess, userCode: UserCode) {
    this.#process = process;
    this.#userCode = userCode;
  }

  do(run: () => void): void {
    if (this.#hasEnded) {
      return;
    }
    if (this.#isBlocked) {
      this.#waiting.push(run);
      return;
    }
    const before = this.#userCode.thread;
    this.#userCode.thread = this;
    try {
      run();
    } finally {
      this.#userCode.thread = before;
    }
  }

  block(forMs: number): void {
    if (!this.#isBlocked) {
      this.#isBlocked = true;
      this.#process.clock.after(forMs, () => {
        this.#isBlocked = false;
        // What it does first may hold it up again.
        this.#waiting.splice(0).forEach((run) => this.do(run));
      });
    }
  }

  end(): void {
    this.#hasEnded = true;
    this.#waiting = [];
  }
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
  // Of jobs that name none; those of schedules do.
  inlineThresholdBytes: 0,
  metricsIntervalMs: 10_000,
};

/** Starts threads of a simulated TaskManager: the shipped ones, whose effects are the world's. */
export const simulatedThreads =
  (surroundings: ThreadSurroundings): StartThread =>
  (index, events) => {
    const { process, data, instanceId, locate, load, userCode, channels, copiesOf } = surroundings;
    const own: RemoteThread = { instanceId, thread: index };
    const busy = new BusyThread(process, userCode);
    const clock: Clock = {
      now: () => process.clock.now(),
      monotonic: () => process.clock.monotonic(),
      after: (delayMs, run) => process.clock.after(delayMs, () => busy.do(run)),
    };
    const toProcess = inOrder(clock, process.random);
    const toThread = inOrder(clock, process.random);
    const send = (report: ThreadReport): void => toProcess(() => events.report(report));
    const plane = data.planeOf(process, own, (run) => process.do(() => busy.do(run)));
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
          readsLocal: copiesOf !== undefined,
        }),
        ...(copiesOf === undefined ? {} : { copiesOf }),
        dataPlane: plane,
        memory: () => ({ heapUsedBytes: 0, arrayBufferBytes: 0 }),
        collectGarbage: () => {},
        stopped: () => {},
      },
    );
    return {
      channel: () => threadChannel(process, channels.wire()),
      send: (command: ThreadCommand) => toThread(() => thread.handle(command)),
      terminate: async () => {
        busy.end();
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
const threadChannel = ({ clock, random }: SimulatedProcess, wire: Wire): ThreadChannel => {
  const port1 = new SimulatedPort(inOrder(clock, random), wire, 0);
  const port2 = new SimulatedPort(inOrder(clock, random), wire, 1);
  port1.far = port2;
  port2.far = port1;
  return { port1, port2 };
};

class SimulatedPort implements ThreadPort {
  far: SimulatedPort | undefined;
  readonly #send: (deliver: () => void) => void;
  #take: ((frames: readonly Uint8Array[]) => void) | undefined;
  readonly #wire: Wire;
  readonly #side: 0 | 1;
  #isClosed = false;

  constructor(send: (deliver: () => void) => void, wire: Wire, side: 0 | 1) {
    this.#send = send;
    this.#wire = wire;
    this.#side = side;
  }

  postMessage(frames: readonly Uint8Array[]): void {
    const { far } = this;
    if (!this.#isClosed) {
      frames.forEach((frame) => this.#wire.frame(this.#side, frame));
      this.#send(() => far?.arrived(frames));
    }
  }

  on(_event: 'message', take: (frames: readonly Uint8Array[]) => void): void {
    this.#take = take;
  }

  /** What was sent arrives; the other end hears nothing. */
  close(): void {
    this.#isClosed = true;
    this.#wire.cut();
  }

  arrived(frames: readonly Uint8Array[]): void {
    if (!this.#isClosed) {
      this.#take?.(frames);
    }
  }
}
