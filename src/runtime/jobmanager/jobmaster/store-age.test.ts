import { describe, expect, test } from 'vitest';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import type { AttemptReport } from '../../protocol/task-commands.ts';
import type { RestoreBan } from '../checkpoint-coordinator/restore-ban.ts';
import { ExecutionGraph } from '../scheduler/execution-graph.ts';
import { testGraph, vertexIdOf } from '../test-support/test-graph.ts';
import type { HeardIds } from './forgotten-checkpoint.ts';
import type { Recovery } from './recovery.ts';
import { StoreAge, type StoreAgeOptions } from './store-age.ts';

const graph = testGraph([{ name: 'a', parallelism: 2 }], []);

/** The store points to checkpoint 5, has given out ids up to `floor`, and knows of generation 2.3 of graph version 2. */
const storeAge = (
  options: { readonly recovery?: Partial<Recovery>; readonly startsOver?: boolean; readonly floor?: number } = {},
) => {
  const bans: RestoreBan[] = [];
  const heard: HeardIds[] = [];
  const setAside: ErrorInfo[] = [];
  const refused: ErrorInfo[] = [];
  const coordinator = {
    pointedTo: [4, 5],
    completed: [{ checkpointId: 4 }, { checkpointId: 5 }],
    floor: options.floor ?? 6,
    get restoreBan() {
      return bans.at(-1);
    },
    handle: ({ ban }: { readonly ban: RestoreBan }) => bans.push(ban),
  };
  const start = { generation: { epoch: 2, number: 3 } };
  const recovery = {
    newestId: 5,
    initial: undefined,
    heard: undefined,
    started: { regions: new Map([0, 1].map((region) => [region, start])) },
    ...options.recovery,
  };
  const age = new StoreAge({
    job: {
      jobId: 'job1',
      graph,
      graphVersion: 2,
      logger: silentLogger,
      ...(options.startsOver === true ? { storeWentBack: (ids: HeardIds) => heard.push(ids) } : {}),
    },
    execution: new ExecutionGraph(graph),
    recovery,
    coordinator,
    host: {
      setAside: (error: ErrorInfo) => setAside.push(error),
      restoreRefused: (error: ErrorInfo) => refused.push(error),
    },
  } as unknown as StoreAgeOptions);
  return { age, bans, heard, setAside, refused };
};

const report = (
  ids: Partial<Pick<AttemptReport, 'completedId' | 'highestId' | 'state'>>,
  { graphVersion = 2, epoch = 2, number = 3 } = {},
): AttemptReport => ({
  attempt: {
    job: 'job1' as never,
    graphVersion,
    vertex: vertexIdOf('a'),
    subtask: 0,
    generation: { epoch, number },
  },
  slot: 0,
  state: 'RUNNING',
  ended: false,
  drained: false,
  readers: [],
  completedId: 5,
  highestId: 6,
  ...ids,
});

describe('the store is no older where', () => {
  test.each([
    ['tasks know what it points to', [report({})], {}],
    ['they know less', [report({ completedId: 3, highestId: 4 })], {}],
    [
      'they were given up for a later start',
      [report({ completedId: 9, highestId: 9, state: 'CANCELED' }, { number: 2 })],
      {},
    ],
    ['they are of the graph before', [report({ completedId: 9, highestId: 9 }, { graphVersion: 1, number: 4 })], {}],
    [
      'they restored what the job began with, of another job',
      [report({ completedId: 42, highestId: 6 })],
      { newestId: 0, initial: { point: { metadata: { checkpointId: 42 } } } as never },
    ],
    ['it was heard before', [report({ completedId: 8, highestId: 6 })], { heard: { completed: 8 } as HeardIds }],
    ['nothing runs there', [], {}],
  ])('%s', (_where, reports: readonly AttemptReport[], recovery: Partial<Recovery>) => {
    // Before anything is heard the counter is above what the job began with, and what was heard before.
    const floor = recovery.initial === undefined && recovery.heard === undefined ? 6 : 42;
    const { age, bans, heard, setAside, refused } = storeAge({ recovery, startsOver: true, floor });
    age.reported('tm', reports);
    expect([bans, heard, setAside, refused]).toEqual([[], [], [], []]);
  });
});

describe('the store is older where', () => {
  test('a later checkpoint was complete: another JobMaster starts over, which knows it', () => {
    const { age, bans, heard, setAside } = storeAge({ startsOver: true });
    age.reported('tm', [report({}), report({ completedId: 8, highestId: 9 })]);
    expect(heard).toEqual([{ completed: 8, highest: 9, taskManager: 'tm', inStore: 5 }]);
    expect(setAside).toHaveLength(1);
    expect(bans).toEqual([]);
  });

  test('only higher ids were given out: the same, and no checkpoint was forgotten', () => {
    const { age, heard } = storeAge({ startsOver: true });
    age.reported('tm', [report({ highestId: 9 })]);
    expect(heard).toEqual([{ completed: 0, highest: 9, taskManager: 'tm', inStore: 5 }]);
  });

  test('more is heard than before: what was heard stays', () => {
    const before = { completed: 8, highest: 10, taskManager: 'first', inStore: 5 };
    const { age, heard } = storeAge({ startsOver: true, recovery: { newestId: 8, heard: before } });
    age.reported('second', [report({ completedId: 7, highestId: 12 })]);
    expect(heard).toEqual([{ completed: 8, highest: 12, taskManager: 'second', inStore: 5 }]);
  });

  test('something of the job was started already: nothing is restored from now on', () => {
    const { age, bans, heard } = storeAge({ startsOver: true });
    age.deployed();
    age.reported('tm', [report({ completedId: 8, highestId: 9, state: 'CANCELED' }, { number: 4 })]);
    expect(heard).toEqual([]);
    expect(bans).toMatchObject([
      {
        aboveId: 9,
        reason: expect.stringMatching(
          /TaskManager tm has seen: checkpoint 8 was complete, .* it has is checkpoint 5; /,
        ),
        choices: expect.stringMatching(/^stop the JobManagers, .*; or set .* to start from checkpoint 5: output since/),
      },
    ]);
    age.reported('tm', [report({ completedId: 8, highestId: 9 })]);
    expect(bans).toHaveLength(1);
  });

  test.each([
    ['was started later', { number: 4 }],
    ['was started later, by a later leader', { epoch: 3, number: 1 }],
    ['is of a later graph', { graphVersion: 3 }],
  ])('what runs %s: it cannot be taken over, and is not ended', (_how, attempt) => {
    const { age, refused } = storeAge({ recovery: { heard: { completed: 7 } as HeardIds } });
    age.reported('tm', [report({ completedId: 8, highestId: 9 }, attempt)]);
    expect(refused).toMatchObject([
      { code: 'JOB_SET_ASIDE', message: expect.stringContaining('the 1 tasks that run there were started later') },
    ]);
  });
});
