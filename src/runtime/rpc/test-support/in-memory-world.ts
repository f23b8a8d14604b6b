import { assert } from '../../../foundation/common/assert.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { InMemoryNetwork } from '../in-memory/network.ts';
import { TestProcess, type TransportWorld } from './transport-world.ts';

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) {
    await Promise.resolve();
  }
};

export class InMemoryWorld implements TransportWorld {
  readonly clock = new ManualClock();
  readonly network: InMemoryNetwork;

  constructor(delayMs?: () => number) {
    this.network = new InMemoryNetwork({ clock: this.clock, ...(delayMs === undefined ? {} : { delayMs }) });
  }

  process(hello: ConstructorParameters<typeof TestProcess>[2] = {}, limits = {}, host = 'local'): TestProcess {
    return new TestProcess((context) => this.network.transport(host, context), this.clock, hello, limits);
  }

  async until(condition: () => boolean, what = 'it'): Promise<void> {
    for (let step = 0; !condition(); step++) {
      assert(step < 20_000, `${what} did not happen`);
      await this.pass(1);
    }
  }

  async settled<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    await this.until(() => isSettled);
    return promise;
  }

  async pass(ms: number): Promise<void> {
    this.clock.advanceBy(ms);
    await turns();
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
