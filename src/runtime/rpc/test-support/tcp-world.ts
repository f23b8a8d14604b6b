import { setTimeout as delay } from 'node:timers/promises';
import { assert } from '../../../foundation/common/assert.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import type { TlsIdentity } from '../../../foundation/security/tls-identity.ts';
import { TcpTransport } from '../tcp/transport.ts';
import { TestProcess, type TransportWorld } from './transport-world.ts';

const DEADLINE_MS = 30_000;

export class TcpWorld implements TransportWorld {
  readonly #processes: TestProcess[] = [];
  readonly #tls: TlsIdentity | undefined;

  constructor(tls?: TlsIdentity) {
    this.#tls = tls;
  }

  process(
    hello: ConstructorParameters<typeof TestProcess>[2] = {},
    limits = {},
    tls: TlsIdentity | undefined = this.#tls,
  ): TestProcess {
    const process = new TestProcess((context) => new TcpTransport(context, tls), systemClock, hello, limits);
    this.#processes.push(process);
    return process;
  }

  async until(condition: () => boolean, what = 'it'): Promise<void> {
    const start = performance.now();
    while (!condition()) {
      assert(performance.now() - start < DEADLINE_MS, `${what} did not happen`);
      await delay(1);
    }
  }

  settled<T>(promise: Promise<T>): Promise<T> {
    return promise;
  }

  pass(ms: number): Promise<void> {
    return delay(ms);
  }

  async dispose(): Promise<void> {
    for (const { connections, listener } of this.#processes) {
      connections.forEach((connection) => connection.close());
      await listener?.close();
    }
  }
}
