import { expect, test } from 'vitest';
import { Configuration } from '../../foundation/config/configuration.ts';
import { memoryLimitsOf } from '../job-settings.ts';
import { ClusterFolder } from './cluster-folder.ts';
import { planCluster } from './cluster-plan.ts';

const memoryOf = async (
  taskManagers: number,
  given: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> => {
  const configuration = Configuration.of({ 'rest.bind-port': '0', ...given }, 'the test');
  const request = { configuration, configDir: undefined, jobManagers: 1, taskManagers, isInsecure: false };
  const plan = await planCluster(
    { ...request, isSupervised: false, look: async () => undefined },
    new ClusterFolder('/nowhere/run'),
  );
  const settings = plan.taskManagers.map(({ args }) => args.filter((arg) => arg.startsWith('taskmanager.memory.')));
  settings.forEach((own) => expect(own).toEqual(settings[0]));
  return settings[0] ?? [];
};

test('several TaskManagers have together what one has by itself of the machine, unless somebody says how much', async () => {
  const { heapBytes, offHeapBytes } = memoryLimitsOf(Configuration.of({}, 'the test'), 6);
  expect(await memoryOf(1)).toEqual([]);
  expect(await memoryOf(3, { 'taskmanager.numberOfTaskSlots': '2' })).toEqual([
    `taskmanager.memory.task.heap.size=${Math.floor(heapBytes / 2 ** 20)}mb`,
    `taskmanager.memory.task.off-heap.size=${Math.floor(offHeapBytes / 2 ** 20)}mb`,
  ]);
  for (const said of ['process.size', 'task.heap.size', 'task.off-heap.size'].map(
    (key) => `taskmanager.memory.${key}`,
  )) {
    expect(await memoryOf(3, { [said]: '700mb' })).toEqual([expect.stringMatching(`${said}=`)]);
  }
});

test('processes are given each option once, under its current key', async () => {
  const configuration = Configuration.of({ 'rest.bind-port': '0', 'zookeeper.retry-count': '5' }, 'the file').with(
    { 'high-availability.zookeeper.client.max-retry-attempts': '7', 'state.checkpoints.dir': '/checkpoints' },
    '-D',
  );
  const plan = await planCluster(
    {
      configuration,
      configDir: undefined,
      jobManagers: 1,
      taskManagers: 1,
      isInsecure: false,
      isSupervised: false,
      look: async () => undefined,
    },
    new ClusterFolder('/nowhere/run'),
  );
  for (const { args } of [...plan.jobManagers, ...plan.taskManagers]) {
    expect(args.filter((arg) => /retry|checkpoints\.dir|checkpointing\.dir/.test(arg))).toEqual([
      'execution.checkpointing.dir=/checkpoints',
      'high-availability.zookeeper.client.max-retry-attempts=7',
    ]);
  }
});
