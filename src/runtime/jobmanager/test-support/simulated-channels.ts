import { assert } from '../../../foundation/common/assert.ts';
import type { Element } from './simulated-surroundings.ts';
import type { SimulatedTask } from './simulated-task.ts';

/** Who reads which channel; none is used twice. */
export class SimulatedChannels {
  readonly #consumers = new Map<number, SimulatedTask>();

  started(task: SimulatedTask): void {
    for (const { channel } of task.deployment.inputs.flatMap(({ channels }) => channels)) {
      assert(!this.#consumers.has(channel), `channel ${channel} is used again`);
      this.#consumers.set(channel, task);
    }
  }

  send(channel: number, element: Element): void {
    this.#consumers.get(channel)?.receive(channel, element);
  }
}
