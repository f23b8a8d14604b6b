import { afterEach, expect, test } from 'vitest';
import { MillraceError, type ErrorCode } from '../../foundation/common/errors.ts';
import { operationSchema, triggerSchema } from './schema/operations-schema.ts';
import { resourceRequirementsSchema } from './schema/rescale-schema.ts';
import { closeServers, startServer } from './test-support/asked-server.ts';
import { FINISHED_JOB, GRAPH, RUNNING_JOB, UNKNOWN_JOB } from './test-support/fake-gateway.ts';

afterEach(closeServers);

const TRIGGER = '1'.repeat(32);
const [SOURCE = '', SUM = ''] = GRAPH.vertices.map(({ id }): string => id);
const REQUIREMENTS = `/jobs/${RUNNING_JOB}/resource-requirements`;
const RESCALING = `/jobs/${RUNNING_JOB}/rescaling`;

test('the bounds of each vertex are told, and changed', async () => {
  const { ask, gateway } = await startServer();
  const told = await ask('GET', REQUIREMENTS);
  expect(resourceRequirementsSchema.parse(told.body)).toEqual({
    [SOURCE]: { parallelism: { lowerBound: 1, upperBound: 1 } },
    [SUM]: { parallelism: { lowerBound: 1, upperBound: 2 } },
  });
  const bounds = { lowerBound: 2, upperBound: 6 };
  expect(await ask('PUT', `/v1${REQUIREMENTS}`, { [SUM]: { parallelism: bounds } })).toMatchObject({
    status: 200,
    body: {},
  });
  expect(gateway.calls).toContain(`rescale ${RUNNING_JOB} ${JSON.stringify({ vertices: { [SUM]: bounds } })}`);
});

test('a rescale is polled by its request id', async () => {
  const { ask, gateway } = await startServer();
  const triggered = await ask('PATCH', RESCALING, { parallelism: 3, vertices: { [SUM]: 2 }, triggerId: TRIGGER });
  expect(triggerSchema.parse(triggered.body)).toEqual({ 'request-id': TRIGGER });
  const asked = { parallelism: 3, vertices: { [SUM]: { lowerBound: 2, upperBound: 2 } } };
  expect(gateway.calls).toContain(`rescale ${RUNNING_JOB} ${JSON.stringify(asked)}`);
  expect(operationSchema.parse((await ask('GET', `${RESCALING}/${TRIGGER}`)).body)).toEqual({
    status: { id: 'COMPLETED' },
    operation: { location: '/checkpoints/chk-8' },
  });
  expect((await ask('GET', `${RESCALING}/${'2'.repeat(32)}`)).status).toBe(404);
  expect((await ask('GET', `${RESCALING}/abc`)).status).toBe(400);
});

test.each([
  [{ [SUM]: { parallelism: { upperBound: 2 } } }, 'lowerBound'],
  [{ [SUM]: 2 }, SUM],
  [{ [SUM]: { parallelism: { lowerBound: 1.5, upperBound: 2 } } }, 'lowerBound'],
  [[], 'expected record'],
])('what is no set of bounds is 400: %j', async (body, problem) => {
  const { ask, gateway } = await startServer();
  expect(await ask('PUT', REQUIREMENTS, body)).toMatchObject({
    status: 400,
    body: { errors: [expect.stringContaining(problem)] },
  });
  expect(gateway.calls.filter((call) => call.startsWith('rescale'))).toEqual([]);
});

test.each<[ErrorCode, number]>([
  ['BAD_OPTION', 400],
  ['BAD_JOB', 400],
  ['NOT_ENOUGH_SLOTS', 409],
  ['JOB_NOT_RUNNING', 409],
  ['JOB_SET_ASIDE', 423],
])('a refusal says why: %s is %i', async (code, status) => {
  const { ask, gateway } = await startServer();
  gateway.rescale = () => Promise.reject(new MillraceError(code, 'so it is'));
  expect(await ask('PATCH', RESCALING, { parallelism: 3 })).toMatchObject({ status, body: { errors: ['so it is'] } });
});

test('a job that is not there is 404, one that has ended 409', async () => {
  const { ask } = await startServer();
  for (const [job, status] of [
    [UNKNOWN_JOB, 404],
    [FINISHED_JOB, 409],
  ] as const) {
    expect((await ask('GET', `/jobs/${job}/resource-requirements`)).status).toBe(status);
    expect((await ask('PUT', `/jobs/${job}/resource-requirements`, {})).status).toBe(status);
    expect((await ask('PATCH', `/jobs/${job}/rescaling`, { parallelism: 2 })).status).toBe(status);
  }
});
