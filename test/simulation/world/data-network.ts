import { present } from '../../../src/foundation/common/assert.ts';
import type { DataLocation, RemoteThread } from '../../../src/foundation/common/data-location.ts';
import type { AcceptPort, DataPlane, FramePort, PortEvents } from '../../../src/runtime/network/frame-port.ts';
import type { InMemoryNetwork } from '../../../src/runtime/rpc/in-memory/network.ts';
import type { Pipe } from '../../../src/runtime/rpc/in-memory/pipe.ts';
import type { ChannelWatch, Wire } from './channel-watch.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** Carries something out in a thread: now, when it goes on, or never. */
export type Enter = (run: () => void) => void;

interface Listener {
  readonly process: SimulatedProcess;
  readonly enter: Enter;
  readonly own: RemoteThread;
  readonly accept: AcceptPort;
  /** Connections of its thread, which end with it. */
  readonly opened: Set<End>;
}

/** Connections between task threads over the simulated network: as TCP they keep their order, and lose nothing unless they break. */
export class DataNetwork {
  readonly #network: InMemoryNetwork;
  readonly #watch: ChannelWatch;
  readonly #listeners = new Map<string, Listener>();
  readonly #ends = new Set<End>();
  #nextPort = 50_000;

  constructor(network: InMemoryNetwork, watch: ChannelWatch) {
    this.#network = network;
    this.#watch = watch;
  }

  /** What a thread of a process sees of it. */
  planeOf(process: SimulatedProcess, own: RemoteThread, enter: Enter): DataPlane {
    const opened = new Set<End>();
    let address: string | undefined;
    process.onDeath(() => this.#died(process));
    return {
      listen: (accept) => {
        const port = this.#nextPort++;
        address = `${process.host}:${port}`;
        this.#listeners.set(address, { process, enter, own, accept, opened });
        return Promise.resolve({ host: process.host, port });
      },
      dial: (location, events) => this.#dial({ process, own, enter, opened }, location, events),
      close: () => {
        this.#listeners.delete(address ?? '');
        opened.forEach((end) => end.close());
        return Promise.resolve();
      },
    };
  }

  /** Connections between the two hosts break; both sides hear of it. */
  break(a: string, b: string): void {
    for (const end of this.#ends) {
      const hosts = [end.process.host, end.far?.process.host];
      if (hosts.includes(a) && hosts.includes(b)) {
        end.lose('the network broke it');
      }
    }
  }

  #dial(
    { process, own, enter, opened }: Omit<Listener, 'accept'>,
    location: DataLocation,
    events: PortEvents,
  ): FramePort {
    const wire = this.#watch.wire();
    const near = this.#end(process, enter, tapOf(wire, 0), this.#network.pipe(process.host, location.host), events);
    opened.add(near);
    // A hello, an answer, then frames.
    near.out.push(0, () => {
      const listener = this.#listeners.get(`${location.host}:${location.port}`);
      const back = this.#network.pipe(location.host, process.host);
      if (listener?.own.instanceId !== location.instanceId || listener.own.thread !== location.thread) {
        back.push(0, () => near.lose('refused: another thread listens there, or none'));
        return;
      }
      const far = this.#end(listener.process, listener.enter, tapOf(wire, 1), back, undefined);
      listener.opened.add(far);
      near.far = far;
      far.far = near;
      listener.enter(() => {
        far.events = listener.accept(own, far.port);
      });
    });
    return near.port;
  }

  #end(process: SimulatedProcess, enter: Enter, tap: Tap, out: Pipe, events: PortEvents | undefined): End {
    const end: End = new End(process, enter, tap, out, events, () => this.#ends.delete(end));
    this.#ends.add(end);
    return end;
  }

  /** Its operating system closes what it had open. */
  #died(process: SimulatedProcess): void {
    for (const [address, listener] of this.#listeners) {
      if (listener.process === process) {
        this.#listeners.delete(address);
      }
    }
    for (const end of this.#ends) {
      if (end.process === process) {
        end.close();
      }
    }
  }
}

/** What one end sends, and that it is over. */
interface Tap {
  readonly sent: (frame: Uint8Array) => void;
  readonly over: () => void;
}

const tapOf = (wire: Wire, side: 0 | 1): Tap => ({ sent: (frame) => wire.frame(side, frame), over: () => wire.cut() });

/** One end of a connection. */
class End {
  readonly process: SimulatedProcess;
  readonly out: Pipe;
  readonly port: FramePort;
  events: PortEvents | undefined;
  far: End | undefined;
  readonly #enter: Enter;
  readonly #tap: Tap;
  readonly #ended: () => void;
  #isOver = false;

  constructor(
    process: SimulatedProcess,
    enter: Enter,
    tap: Tap,
    out: Pipe,
    events: PortEvents | undefined,
    ended: () => void,
  ) {
    this.process = process;
    this.#enter = enter;
    this.#tap = tap;
    this.out = out;
    this.events = events;
    this.#ended = ended;
    this.port = {
      isCongested: false,
      post: (frames) => {
        if (!this.#isOver) {
          frames.forEach((frame) => {
            this.#tap.sent(frame);
            this.out.push(frame.length, () => this.far?.received(frame));
          });
        }
      },
      close: () => this.close(),
      abort: (reason) => this.lose(reason),
    };
  }

  received(frame: Uint8Array): void {
    this.#enter(() => {
      if (!this.#isOver) {
        present(this.events, 'the events of an accepted connection').frame(frame);
      }
    });
  }

  /** What was posted arrives before. */
  close(): void {
    if (!this.#isOver) {
      this.#over();
      this.out.push(0, () => this.far?.lose('the other side closed it'));
      this.out.finish();
    }
  }

  lose(reason: string): void {
    if (!this.#isOver) {
      this.#over();
      this.out.clear();
      this.#enter(() => this.events?.lost(reason));
      this.far?.lose(reason);
    }
  }

  #over(): void {
    this.#isOver = true;
    this.#tap.over();
    this.#ended();
  }
}
