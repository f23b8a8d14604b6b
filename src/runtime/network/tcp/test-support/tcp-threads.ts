import type { DataLocation, RemoteThread } from '../../../../foundation/common/data-location.ts';
import { systemClock } from '../../../../foundation/common/system-clock.ts';
import { Exchange, MAX_REMOTE_FRAME_BYTES } from '../../exchange.ts';
import type { DataPlaneSettings } from '../data-plane-settings.ts';
import { TcpDataPlane } from '../tcp-data-plane.ts';

export const LOOPBACK: DataPlaneSettings = {
  clusterId: 'test-cluster',
  bindHost: '127.0.0.1',
  host: '127.0.0.1',
  ports: [0],
};

/** A thread's end of the data plane, with its sockets. */
export class TcpThread {
  readonly exchange: Exchange;
  readonly plane: TcpDataPlane;
  readonly lost: { readonly remote: RemoteThread; readonly reason: string }[] = [];
  readonly warnings: string[] = [];
  readonly location: DataLocation;
  #scheduled = false;

  static async start(instanceId: string, settings: Partial<DataPlaneSettings> = {}, thread = 0): Promise<TcpThread> {
    const made = new TcpThread({ instanceId, thread }, { ...LOOPBACK, ...settings });
    const address = await made.plane.listen((peer, port) => made.exchange.accept(peer, port));
    Object.assign(made.location, address);
    return made;
  }

  private constructor(own: RemoteThread, settings: DataPlaneSettings) {
    this.location = { ...own, host: '', port: 0 };
    const quiet = (): void => {};
    this.plane = new TcpDataPlane({ ...settings, own }, MAX_REMOTE_FRAME_BYTES, systemClock, {
      debug: quiet,
      info: quiet,
      warn: (message) => void this.warnings.push(message),
      error: quiet,
    });
    this.exchange = new Exchange(own.thread, () => this.#schedule(), {
      dial: (location, events) => this.plane.dial(location, events),
      connectionLost: (remote, reason) => void this.lost.push({ remote, reason }),
    });
  }

  async close(): Promise<void> {
    this.exchange.close();
    await this.plane.close();
  }

  #schedule(): void {
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.exchange.flush();
      });
    }
  }
}
