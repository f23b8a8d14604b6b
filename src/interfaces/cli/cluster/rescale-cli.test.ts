import { afterEach, expect, test } from 'vitest';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { closeServers } from '../../rest/test-support/asked-server.ts';
import { FINISHED_JOB, GRAPH, RUNNING_JOB } from '../../rest/test-support/fake-gateway.ts';
import { cluster, run } from './test-support/run-cli.ts';

afterEach(closeServers);

const [SOURCE = '', SUM = ''] = GRAPH.vertices.map(({ id }): string => id);
const exactly = (parallelism: number) => ({ lowerBound: parallelism, upperBound: parallelism });

const running = async (): ReturnType<typeof cluster> => {
  const there = await cluster();
  const job = there.gateway.jobs.get(RUNNING_JOB)!;
  const tasks = job.tasks.map((task) => ({ ...task, state: 'RUNNING' as const }));
  there.gateway.jobs.set(RUNNING_JOB, { ...job, tasks });
  return there;
};

test('a job is rescaled, and the command says what it has when all of it runs', async () => {
  const { at, gateway } = await running();
  const { code, stdout } = await run(['rescale', ...at, RUNNING_JOB, '-p', '3', '--vertex', 'sum=2']);
  expect(code).toBe(0);
  expect(stdout).toBe(
    'Vertex  Before  Now\n' +
      'source  1       1\n' +
      'sum     2       2\n' +
      `Job ${RUNNING_JOB} runs with this parallelism.\n`,
  );
  const asked = { parallelism: 3, vertices: { [SUM]: exactly(2) } };
  expect(gateway.calls).toContain(`rescale ${RUNNING_JOB} ${JSON.stringify(asked)}`);
});

test('a vertex is named by its id too; nobody waits for a detached rescale', async () => {
  const { at, gateway } = await cluster();
  const { code, stdout } = await run(['rescale', ...at, RUNNING_JOB, '--vertex', `${SOURCE}=4`, '--detached']);
  expect([code, stdout]).toEqual([0, `Job ${RUNNING_JOB} is being rescaled.\n`]);
  expect(gateway.calls).toContain(`rescale ${RUNNING_JOB} ${JSON.stringify({ vertices: { [SOURCE]: exactly(4) } })}`);
});

test.each([
  ['nothing', [], 'give --parallelism <n>'],
  ['no number', ['-p', 'many'], "--parallelism is 'many'; allowed: a whole number, 1 or more"],
  ['a parallelism below 1', ['--vertex', 'sum=0'], "--vertex sum is '0'; allowed: a whole number, 1 or more"],
  ['no pair', ['--vertex', 'sum'], "--vertex is 'sum'; expected <name or id of the vertex>=<parallelism>"],
  ['an unknown vertex', ['--vertex', 'nix=2'], `the job has no vertex "nix"; it has ${SOURCE} "source", ${SUM} "sum"`],
])('asked for %s, it says so and touches nothing', async (_, flags, message) => {
  const { at, gateway } = await cluster();
  const { code, stderr } = await run(['rescale', ...at, RUNNING_JOB, ...flags]);
  expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  expect(gateway.calls.filter((call) => call.startsWith('rescale'))).toEqual([]);
});

test('what the cluster refuses is an exit code and its reason', async () => {
  const { at, gateway } = await cluster();
  gateway.rescale = () => Promise.reject(new MillraceError('NOT_ENOUGH_SLOTS', '3 slots missing'));
  expect(await run(['rescale', ...at, RUNNING_JOB, '-p', '9'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('3 slots missing'),
  });
  const ended = await run(['rescale', ...at, FINISHED_JOB, '-p', '9']);
  expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('has ended')]);
});
