import { expect, test } from 'vitest';
import { attemptId } from '../../../foundation/common/ids.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import { testGraph } from '../test-support/test-graph.ts';
import { attemptRefOf, DeploymentBuilder } from './deployments.ts';
import type { SlotLocation } from './deployments.ts';
import { ExecutionGraph } from './execution-graph.ts';
import { SlotAssignment } from './slot-assignment.ts';

const graph = testGraph(
  [
    { name: 'a', parallelism: 2 },
    { name: 'b', parallelism: 2 },
    { name: 'c', parallelism: 1 },
  ],
  [
    ['a', 'b', 'hash'],
    ['b', 'c', 'hash'],
  ],
);
const execution = new ExecutionGraph(graph);
const builder = (locate?: (slot: number) => SlotLocation): DeploymentBuilder =>
  new DeploymentBuilder({
    execution,
    slots: new SlotAssignment(graph, [0, 1]),
    locate,
    program: { modulePath: '/m.js', args: [], env: {}, configuration: {} },
    checkpointFolder: '/c/j',
  });

const startOf = (number: number, commitOnly: readonly number[] = []): Parameters<DeploymentBuilder['build']>[0] => ({
  attempts: new Map(
    execution.subtasks.map((subtask) => [
      subtask.index,
      attemptRefOf(subtask, { job: 'j' as JobId, graphVersion: 1, generation: { epoch: 1, number } }),
    ]),
  ),
  plan: undefined,
  commitOnly: new Set(commitOnly),
  floor: 4,
});

test('both ends of an exchange name the same channels, in order of the other side', () => {
  const [a0, a1, b0, b1, c0] = builder().build(startOf(1));
  const outputs = [a0, a1].map((task) => task!.outputs[0]!.channels);
  const inputs = [b0, b1].map((task) => task!.inputs[0]!.channels);
  expect(inputs[0]).toEqual([outputs[0]![0], outputs[1]![0]]);
  expect(inputs[1]).toEqual([outputs[0]![1], outputs[1]![1]]);
  expect(inputs[0]!.map(({ producer }) => producer.subtask)).toEqual([0, 1]);
  expect(outputs[0]!.map(({ consumer }) => consumer.subtask)).toEqual([0, 1]);
  expect(c0!.inputs[0]!.edge).toBe(1);
  expect(c0!.outputs).toEqual([]);
  expect([a0, a1, b0, b1, c0].map((task) => task!.slot)).toEqual([0, 1, 0, 1, 0]);
  expect(a0).toMatchObject({ floor: 4, checkpointFolder: '/c/j', jobName: 'test-job', restore: undefined });
});

test('of one TaskManager, deployments name neither it nor its threads', () => {
  for (const deployment of builder().build(startOf(1))) {
    expect([deployment.instanceId, deployment.producers]).toEqual([undefined, {}]);
  }
});

test('over several TaskManagers, each deployment names its own slot and where its producers are at that moment', () => {
  let start = 1;
  const data = (slot: number): SlotLocation['data'] => ({
    instanceId: `tm-${slot}-${start}`,
    host: 'h',
    port: slot,
    thread: 7,
  });
  const deployments = builder((slot) => ({ slot: slot + 10, data: data(slot) }));
  const [a0, a1, b0, b1, c0] = deployments.build(startOf(1));
  const tasks = [a0!, a1!, b0!, b1!, c0!];
  expect(tasks.map(({ slot }) => slot)).toEqual([10, 11, 10, 11, 10]);
  expect(tasks.map(({ instanceId }) => instanceId)).toEqual(['tm-0-1', 'tm-1-1', 'tm-0-1', 'tm-1-1', 'tm-0-1']);
  expect(a0!.producers).toEqual({});
  expect(b1!.producers).toEqual({ [attemptId(a0!.attempt)]: data(0), [attemptId(a1!.attempt)]: data(1) });
  expect(c0!.producers).toEqual({ [attemptId(b0!.attempt)]: data(0), [attemptId(b1!.attempt)]: data(1) });
  start = 2;
  const [, , again] = deployments.build(startOf(2));
  expect(again).toMatchObject({ instanceId: 'tm-0-2' });
  expect(Object.values(again!.producers)).toEqual([data(0), data(1)]);
});

test('channel numbers are never used again', () => {
  const deployments = builder();
  const channelsOf = (number: number): number[] =>
    deployments
      .build(startOf(number))
      .flatMap(({ inputs }) => inputs.flatMap(({ channels }) => channels.map((c) => c.channel)));
  const [first, second] = [channelsOf(1), channelsOf(2)];
  expect(new Set([...first, ...second]).size).toBe(12);
});

test('a subtask that had ended has no channels, and neither have its consumers from it', () => {
  const [a0, , b0] = builder().build(startOf(1, [0]));
  expect(a0).toMatchObject({ inputs: [], outputs: [] });
  expect(b0!.inputs[0]!.channels.map(({ producer }) => producer.subtask)).toEqual([1]);
});

test('where all producers had ended the edge is there without channels', () => {
  const [, , b0] = builder().build(startOf(1, [0, 1]));
  expect(b0!.inputs).toEqual([{ edge: 0, channels: [] }]);
});
