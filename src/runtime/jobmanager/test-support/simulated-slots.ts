import type { SlotProvider, SlotRef } from '../scheduler/slot-table.ts';
import type { SimulatedTaskManagers } from './simulated-task-managers.ts';

/** Slots at the TaskManagers that have registered, at each in turn; as many as anybody wants. */
export class SimulatedSlots implements SlotProvider {
  readonly #taskManagers: SimulatedTaskManagers;
  readonly #waiting: (() => void)[] = [];
  #given = 0;

  constructor(taskManagers: SimulatedTaskManagers) {
    this.#taskManagers = taskManagers;
  }

  async request(count: number): Promise<readonly SlotRef[]> {
    const { registered } = this.#taskManagers;
    await this.#until(() => registered.size > 0);
    const there = [...registered];
    return Array.from({ length: count }, () => {
      const slot = this.#given++;
      return { taskManager: there[slot % there.length] ?? '', slot };
    });
  }

  /** Somebody registered, or is known to be gone. */
  changed(): void {
    this.#waiting.splice(0).forEach((wake) => wake());
  }

  settled(taskManagers: readonly string[]): Promise<void> {
    const { registered } = this.#taskManagers;
    return this.#until(() => taskManagers.every((one) => registered.has(one) || this.#taskManagers.isGone(one)));
  }

  close(): void {}

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}
