import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { present } from '../../../foundation/common/assert.ts';
import { testGraph } from '../test-support/test-graph.ts';
import { ExecutionGraph } from './execution-graph.ts';
import { SlotTable, type SlotProvider, type SlotRef } from './slot-table.ts';

const at = (taskManager: string, slot: number): SlotRef => ({ taskManager, slot });

/** Three subtasks of two vertices, which share slots; the provider notes what is asked for. */
const setUp = () => {
  const execution = new ExecutionGraph(
    testGraph(
      [
        { name: 'a', parallelism: 3 },
        { name: 'b', parallelism: 3 },
      ],
      [['a', 'b', 'rebalance']],
    ),
  );
  const asked: (readonly (SlotRef | undefined)[])[] = [];
  const table = new SlotTable(execution, {
    request: (count, preferred = []) => {
      asked.push(preferred);
      return Promise.resolve(Array.from({ length: count }, (_, slot) => at(`new-${asked.length}`, slot)));
    },
    settled: () => Promise.resolve(),
    close: () => {},
  });
  const indices = execution.subtasks.map(({ index }) => index);
  return { execution, table, asked, indices };
};

test('who loses a TaskManager gets another slot; the others keep theirs', async () => {
  const { table, asked, indices, execution } = setUp();
  indices.forEach((index) => table.adopt(index, at(index % 3 === 1 ? 'lost' : 'kept', index % 3)));
  table.lost('lost');
  await table.acquire(indices);
  expect(asked).toEqual([[undefined]]);
  const slots = indices.map((index) => table.slotOf(present(execution.subtasks[index], 'subtask')));
  const expected = [at('kept', 0), at('new-1', 0), at('kept', 2)];
  expect(slots).toEqual([...expected, ...expected]);
});

test('a new leader asks for the slots where the newest attempts ran', async () => {
  const { table, asked, indices } = setUp();
  table.ranAt(0, at('older', 0), { epoch: 1, number: 4 });
  table.ranAt(0, at('newest', 1), { epoch: 1, number: 5 });
  table.ranAt(3, at('oldest', 2), { epoch: 1, number: 3 });
  table.adopt(1, at('running', 0));
  await table.acquire(indices);
  expect(asked).toEqual([[at('newest', 1), undefined]]);
});

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
