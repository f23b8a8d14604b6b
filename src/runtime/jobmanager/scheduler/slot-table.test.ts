import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { testGraph } from '../test-support/test-graph.ts';
import { ExecutionGraph } from './execution-graph.ts';
import { SlotTable, type SlotProvider, type SlotRef } from './slot-table.ts';

/** Gives what a test says, when it says so. */
class FakeProvider implements SlotProvider {
  readonly requests: { readonly count: number; readonly serve: (...taskManagers: readonly string[]) => void }[] = [];
  readonly away = new Set<string>();
  readonly #waiting: (() => void)[] = [];
  #slot = 0;

  request(count: number): Promise<readonly SlotRef[]> {
    const { promise, resolve } = Promise.withResolvers<readonly SlotRef[]>();
    const serve = (...taskManagers: readonly string[]): void =>
      resolve(taskManagers.map((taskManager) => ({ taskManager, slot: this.#slot++ })));
    this.requests.push({ count, serve });
    return promise;
  }

  async settled(taskManagers: readonly string[]): Promise<void> {
    while (taskManagers.some((each) => this.away.has(each))) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  isThere(taskManager: string): void {
    this.away.delete(taskManager);
    this.#waiting.splice(0).forEach((wake) => wake());
  }

  close(): void {}
}

const start = () => {
  const provider = new FakeProvider();
  const table = new SlotTable(new ExecutionGraph(testGraph([{ name: 'a', parallelism: 3 }])), provider);
  const acquire = () => {
    const waiting = { isOver: false };
    void table.acquire([0, 1, 2]).then(() => {
      waiting.isOver = true;
    });
    return waiting;
  };
  return { provider, table, acquire };
};

test('a slot that is lost while others are waited for is asked for at once, and waited for too', async () => {
  const { provider, table, acquire } = start();
  acquire();
  provider.requests[0]?.serve('one', 'two', 'three');
  await setImmediate();
  table.lost('one');
  const waiting = acquire();
  table.lost('two');
  expect(provider.requests.map(({ count }) => count)).toEqual([3, 1, 1]);
  provider.requests[1]?.serve('four');
  await setImmediate();
  expect(waiting.isOver).toBe(false);
  // Also one that was waited for and is lost again.
  table.lost('four');
  expect(provider.requests[3]?.count).toBe(1);
  provider.requests[3]?.serve('five');
  provider.requests[2]?.serve('five');
  await setImmediate();
  expect(waiting.isOver).toBe(true);
  expect(table.taskManagersOf([0, 1, 2])).toEqual(['five', 'three']);
});

test('a slot that nobody can reach now is waited for until its TaskManager is back or lost', async () => {
  const { provider, table, acquire } = start();
  acquire();
  provider.requests[0]?.serve('one', 'two', 'three');
  await setImmediate();
  provider.away.add('one').add('two');
  const waiting = acquire();
  await setImmediate();
  provider.isThere('one');
  await setImmediate();
  expect(waiting.isOver).toBe(false);
  table.lost('two');
  provider.isThere('two');
  await setImmediate();
  expect(waiting.isOver).toBe(false);
  provider.requests[1]?.serve('one');
  await setImmediate();
  expect(waiting.isOver).toBe(true);
  expect(table.taskManagersOf([0, 1, 2])).toEqual(['one', 'three']);
});
