import type { JobGraph } from '../../../pipeline/graph/job-graph.ts';
import { FixedSlots, type SlotProvider, type SlotRef } from '../scheduler/slot-table.ts';

/** Slots that are there when their TaskManager has registered. */
export class SimulatedSlots implements SlotProvider {
  readonly #graph: JobGraph;
  readonly #taskManager: string;
  readonly #isThere: () => boolean;
  readonly #waiting: (() => void)[] = [];

  constructor(graph: JobGraph, taskManager: string, isThere: () => boolean) {
    this.#graph = graph;
    this.#taskManager = taskManager;
    this.#isThere = isThere;
  }

  async request(count: number): Promise<readonly SlotRef[]> {
    while (!this.#isThere()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return new FixedSlots(this.#graph, this.#taskManager, 64).request(count);
  }

  registered(): void {
    this.#waiting.splice(0).forEach((wake) => wake());
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}
}
