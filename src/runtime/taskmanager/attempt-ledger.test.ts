import { expect, test } from 'vitest';
import { checkpointId, type OperatorId } from '../../foundation/common/ids.ts';
import type { AttemptReport, TaskCommand } from '../protocol/task-commands.ts';
import { AttemptLedger } from './attempt-ledger.ts';
import { deploymentOf, idOf } from './test-support/fake-threads.ts';

const operatorId = 'o' as OperatorId;

const running = (deployment: object = {}) => {
  const ledger = new AttemptLedger();
  const task = { ...deploymentOf('a', 0), ...deployment };
  ledger.deployed(task);
  const tell = (command: TaskCommand): TaskCommand => ledger.commanded(idOf(task), command);
  return {
    trigger: (id: number) => tell({ kind: 'trigger', trigger: { checkpointId: checkpointId(id) } as never }),
    completed: (id: number) => tell({ kind: 'completed', checkpointId: checkpointId(id) }),
    floor: (id: number) => tell({ kind: 'floor', checkpointId: checkpointId(id) }),
    split: (id: string) => tell({ kind: 'splits', operatorId, splits: [{ id }] }),
    get report(): AttemptReport {
      return ledger.reports[0]!;
    },
  };
};

test('what is known of checkpoints is reported: the newest that is complete, and the highest id of all (R12)', () => {
  const task = running();
  expect(task.report).toMatchObject({ completedId: 0, highestId: 0 });
  task.trigger(4);
  expect(task.report).toMatchObject({ completedId: 0, highestId: 4 });
  task.completed(4);
  task.trigger(5);
  expect(task.report).toMatchObject({ completedId: 4, highestId: 5 });
  task.floor(8);
  task.completed(3);
  expect(task.report).toMatchObject({ completedId: 4, highestId: 8 });
});

test('what an attempt restored is complete, and the floor was given out', () => {
  const task = running({ restore: { checkpointId: 6 }, floor: 9 });
  expect(task.report).toMatchObject({ completedId: 6, highestId: 9, acceptedSince: 6 });
});

test('as long as no split is forgotten, all since the start are known', () => {
  const task = running();
  task.split('early');
  task.trigger(1);
  task.completed(1);
  expect(task.report.acceptedSince).toBe(0);
  for (let id = 2; id < 9; id++) {
    task.trigger(id);
    task.completed(id);
  }
  // The one that was given out before checkpoint 1.
  expect(task.report.acceptedSince).toBe(1);
  task.split('late');
  for (let id = 9; id < 12; id++) {
    task.trigger(id);
    task.completed(id);
  }
  expect(task.report).toMatchObject({ acceptedSince: 9, readers: [{ accepted: [] }] });
});
