import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { MillraceError } from '../../foundation/common/errors.ts';
import { silentLogger } from '../../foundation/common/logger.ts';
import { encodeValue } from '../../foundation/serialization/value-codec.ts';
import { checkpointsSchema } from './schema/checkpoints-schema.ts';
import { dashboardConfigSchema, overviewSchema, taskManagersSchema } from './schema/cluster-schema.ts';
import {
  exceptionsSchema,
  executionResultSchema,
  jobDetailsSchema,
  jobIdsSchema,
  jobsOverviewSchema,
} from './schema/jobs-schema.ts';
import { closeServers, startServer, submission, type Answer } from './test-support/asked-server.ts';
import { FAILED_JOB, FakeGateway, FINISHED_JOB, GRAPH, RUNNING_JOB, UNKNOWN_JOB } from './test-support/fake-gateway.ts';

afterEach(closeServers);

const TRIGGER = '11111111111111111111111111111111';

/** Polls until the operation is over. */
const finished = async (ask: Awaited<ReturnType<typeof startServer>>['ask'], path: string): Promise<unknown> => {
  for (;;) {
    const { body, status } = await ask('GET', path);
    expect(status).toBe(200);
    if ((body['status'] as { readonly id: string }).id === 'COMPLETED') {
      return body['operation'];
    }
  }
};

describe('the leader', () => {
  test('answers about the cluster in Flink shapes', async () => {
    const { ask, server } = await startServer();
    const overview = overviewSchema.parse((await ask('GET', '/overview')).body);
    expect(overview).toMatchObject({
      taskmanagers: 2,
      'slots-total': 6,
      'slots-available': 3,
      'slots-available-after-largest-loss': -1,
      'jobs-running': 1,
      'jobs-finished': 1,
      'jobs-cancelled': 0,
      'jobs-failed': 1,
      leader: { 'rest-address': server.address, epoch: 4 },
    });
    dashboardConfigSchema.parse((await ask('GET', '/config')).body);
    const managers = taskManagersSchema.parse((await ask('GET', '/v1/taskmanagers')).body).taskmanagers;
    expect(managers.map(({ id, slotsNumber, freeSlots }) => [id, slotsNumber, freeSlots])).toEqual([
      ['tm-1', 2, 0],
      ['tm-2', 4, 3],
    ]);
    expect((await ask('GET', '/taskmanagers/tm-2')).body).toEqual(managers[1]);
    expect(await ask('GET', '/taskmanagers/tm-3')).toMatchObject({
      status: 404,
      body: { errors: ['TaskManager tm-3 not found'] },
    });
  });

  test('answers about jobs, with and without /v1', async () => {
    const { ask } = await startServer();
    expect(jobIdsSchema.parse((await ask('GET', '/v1/jobs')).body).jobs).toContainEqual({
      id: RUNNING_JOB,
      status: 'RUNNING',
    });
    const [running] = jobsOverviewSchema.parse((await ask('GET', '/jobs/overview')).body).jobs;
    expect(running).toMatchObject({
      jid: RUNNING_JOB,
      'end-time': -1,
      tasks: { total: 3, running: 2, initializing: 1 },
    });
    const details = jobDetailsSchema.parse((await ask('GET', `/jobs/${RUNNING_JOB}`)).body);
    expect(details.vertices.map(({ status, tasks }) => [status, tasks['RUNNING']])).toEqual([
      ['RUNNING', 1],
      ['INITIALIZING', 1],
    ]);
    expect(details.plan.nodes[1]?.inputs).toEqual([
      { num: 0, id: 'a'.repeat(32), ship_strategy: 'HASH', exchange: 'pipelined_bounded' },
    ]);
    expect((await ask('GET', `/v1/jobs/${RUNNING_JOB}/status`)).body).toEqual({ status: 'RUNNING' });
    const checkpoints = checkpointsSchema.parse((await ask('GET', `/jobs/${RUNNING_JOB}/checkpoints`)).body);
    expect(checkpoints.counts).toEqual({ restored: 1, total: 9, in_progress: 1, completed: 7, failed: 1 });
    expect(checkpoints.latest.completed?.external_path).toBe('/checkpoints/chk-7');
    expect(checkpoints.history.map(({ id }) => id)).toEqual([7, 6]);
    const failures = exceptionsSchema.parse((await ask('GET', `/jobs/${FAILED_JOB}/exceptions`)).body);
    expect(failures['root-exception']).toContain('x is no number');
    expect(failures.exceptionHistory.entries[0]).toMatchObject({ exceptionName: 'TypeError', taskName: 'sum' });
    expect((await ask('GET', `/jobs/${FAILED_JOB}/exceptions?maxExceptions=0`)).status).toBe(400);
  });

  test('says how a job ended', async () => {
    const { ask } = await startServer();
    const result = async (job: string): Promise<unknown> =>
      executionResultSchema.parse((await ask('GET', `/jobs/${job}/execution-result`)).body);
    expect(await result(RUNNING_JOB)).toEqual({ status: { id: 'IN_PROGRESS' } });
    expect(await result(FINISHED_JOB)).toMatchObject({
      'job-execution-result': { 'application-status': 'SUCCEEDED', savepoint: '/savepoints/s', 'net-runtime': 8_000 },
    });
    expect(await result(FAILED_JOB)).toMatchObject({
      'job-execution-result': {
        'application-status': 'FAILED',
        'failure-cause': { class: 'TypeError' },
        'retained-checkpoint': '/checkpoints/chk-7',
      },
    });
  });

  test('shows no secret of the configuration', async () => {
    const { ask, gateway } = await startServer();
    gateway.settings = {
      'security.rest.auth-token': 'do-not-show',
      's3.secret-key': 'do-not-show',
      'x.url': 'https://user:do-not-show@host/path',
      'parallelism.default': '4',
    };
    const { body } = await ask('GET', '/jobmanager/config');
    expect(JSON.stringify(body)).not.toContain('do-not-show');
    expect(body).toContainEqual({ key: 'parallelism.default', value: '4' });
    expect(body).toContainEqual({ key: 'x.url', value: 'https://user:******@host/path' });
  });

  test('takes a job, and the same job again', async () => {
    const { ask, gateway } = await startServer();
    for (let time = 0; time < 2; time++) {
      expect(await ask('POST', '/jobs', submission())).toMatchObject({
        status: 202,
        body: { jobid: 'abcdef00abcdef00abcdef00abcdef00', notes: ['Checkpoints go to /checkpoints'] },
      });
    }
    expect(gateway.submissions[0]).toEqual({
      jobId: 'abcdef00abcdef00abcdef00abcdef00',
      graph: GRAPH,
      bundle: submission().bundle,
      args: ['--topic', 'x'],
      env: { A: 'b' },
      configuration: { 'parallelism.default': '2' },
    });
  });

  test('cancels; a job that is not there is 404, one that has ended 409', async () => {
    const { ask, gateway } = await startServer();
    expect((await ask('PATCH', `/jobs/${RUNNING_JOB}?mode=cancel`)).status).toBe(202);
    expect(gateway.calls).toContain(`cancel ${RUNNING_JOB}`);
    expect((await ask('PATCH', `/jobs/${RUNNING_JOB}?mode=cancel`)).status).toBe(409);
    expect(await ask('PATCH', `/jobs/${UNKNOWN_JOB}`)).toMatchObject({
      status: 404,
      body: { errors: [`job ${UNKNOWN_JOB} not found`] },
    });
    expect((await ask('PATCH', `/jobs/${RUNNING_JOB}?mode=stop`)).status).toBe(308);
    expect((await ask('PATCH', `/jobs/${RUNNING_JOB}?mode=x`)).status).toBe(400);
  });

  test('takes savepoints and checkpoints, and disposes of savepoints, each polled by its request id', async () => {
    const { ask, gateway } = await startServer();
    const savepoint = await ask('POST', `/jobs/${RUNNING_JOB}/savepoints`, {
      'target-directory': '/kept',
      'cancel-job': false,
      triggerId: TRIGGER,
    });
    expect(savepoint).toMatchObject({ status: 202, body: { 'request-id': TRIGGER } });
    expect(await finished(ask, `/jobs/${RUNNING_JOB}/savepoints/${TRIGGER}`)).toEqual({
      location: '/kept/savepoint-1',
    });
    const { body } = await ask('POST', `/jobs/${RUNNING_JOB}/checkpoints`);
    expect(await finished(ask, `/jobs/${RUNNING_JOB}/checkpoints/${String(body['request-id'])}`)).toEqual({
      checkpointId: 7,
      location: '/checkpoints/chk-7',
    });
    for (const [path, operation] of [
      ['/kept/savepoint-1', {}],
      ['/missing', { 'failure-cause': { class: 'FILE_NOT_FOUND' } }],
    ] as const) {
      const disposal = await ask('POST', '/savepoint-disposal', { 'savepoint-path': path });
      expect(disposal.status).toBe(200);
      expect(await finished(ask, `/savepoint-disposal/${String(disposal.body['request-id'])}`)).toMatchObject(
        operation,
      );
    }
    expect(gateway.calls.filter((call) => call.startsWith('savepoint'))).toEqual(['savepoint /kept']);
  });

  test('stops a job once, however often it is asked with one trigger id', async () => {
    const { ask, gateway } = await startServer();
    let complete = (): void => {};
    gateway.snapshotsMayComplete = new Promise<void>((resolve) => (complete = resolve));
    const stop = (): Promise<Answer> =>
      ask('POST', `/jobs/${RUNNING_JOB}/stop`, { drain: true, targetDirectory: null, triggerId: TRIGGER });
    expect((await stop()).status).toBe(202);
    expect((await ask('GET', `/jobs/${RUNNING_JOB}/savepoints/${TRIGGER}`)).body).toEqual({
      status: { id: 'IN_PROGRESS' },
    });
    expect((await stop()).status).toBe(202);
    complete();
    expect(await finished(ask, `/jobs/${RUNNING_JOB}/savepoints/${TRIGGER}`)).toEqual({
      location: '/savepoints/savepoint-1',
    });
    expect((await stop()).status, 'the same operation, although the job has ended').toBe(202);
    expect((await ask('POST', `/jobs/${RUNNING_JOB}/stop`, {})).status).toBe(409);
    expect(gateway.calls.filter((call) => call.startsWith('stop'))).toEqual([
      'stop /savepoints drain',
      'stop /savepoints suspend',
    ]);
  });

  test('ends the cluster', async () => {
    const { ask, gateway } = await startServer();
    expect((await ask('DELETE', '/cluster')).status).toBe(200);
    expect(gateway.calls).toEqual(['shutDown']);
  });

  test.each([
    [new MillraceError('LEADERSHIP_LOST', 'another leads'), 503],
    [new MillraceError('STORE_AWAY', 'the store is away', { retryable: true }), 503],
    [new MillraceError('JOB_ENDED', 'it ended'), 409],
    [new MillraceError('TIMEOUT', 'too slow', { retryable: true }), 503],
    [new TypeError('a mistake'), 500],
  ])('tells errors apart: %s', async (failure, status) => {
    const { ask, gateway } = await startServer();
    gateway.failure = failure;
    const answer = await ask('GET', '/jobs');
    expect(answer.status).toBe(status);
    expect((answer.body['errors'] as string[])[0]).toContain(failure.message);
  });
});

test('requests that fail again and again do not fill the log', async () => {
  const lines: string[] = [];
  const logger = {
    ...silentLogger,
    warn: (line: string) => void lines.push(line),
    error: (line: string) => void lines.push(line),
  };
  const { ask, gateway, server } = await startServer(undefined, { logger });
  gateway.failure = new TypeError('a mistake');
  const requests = 40;
  for (let request = 0; request < requests; request++) {
    expect((await ask('GET', '/jobs')).status).toBe(500);
  }
  await server.close();
  expect(lines[0]).toBe('a request failed');
  expect(lines.at(-1)).toMatch(/^\d+ more such lines about requests to the REST port were left out$/);
  expect(lines.length).toBeLessThan(requests);
});

describe('bad requests', () => {
  test.each([
    ['GET', '/nothing', undefined, 404],
    ['GET', '/jobs/x', undefined, 400],
    ['GET', `/jobs/${UNKNOWN_JOB}`, undefined, 404],
    ['GET', `/jobs/${UNKNOWN_JOB}/checkpoints`, undefined, 404],
    ['GET', '/jobs/%E0%A4%A/status', undefined, 400],
    ['PUT', '/jobs', {}, 405],
    ['POST', '/jobs', {}, 400],
    ['POST', '/jobs', submission({ jobId: 'abc' }), 400],
    ['POST', '/jobs', submission({ jobGraph: 'AAAA' }), 400],
    ['POST', '/jobs', submission({ jobGraph: Buffer.from(encodeValue({ name: 'x' })).toString('base64') }), 400],
    ['POST', '/jobs', submission({ bundle: { code: 'changed', hash: 'a'.repeat(64) } }), 400],
    ['POST', '/jobs', { ...submission(), more: 1 }, 400],
    ['POST', `/jobs/${UNKNOWN_JOB}/stop`, {}, 404],
    ['POST', `/jobs/${FINISHED_JOB}/savepoints`, {}, 409],
    ['POST', `/jobs/${RUNNING_JOB}/savepoints`, { 'target-directory': 7 }, 400],
    ['POST', `/jobs/${RUNNING_JOB}/savepoints`, [], 400],
    ['GET', `/jobs/${RUNNING_JOB}/savepoints/${TRIGGER}`, undefined, 404],
    ['GET', `/jobs/${RUNNING_JOB}/savepoints/xyz`, undefined, 400],
    ['POST', '/savepoint-disposal', {}, 400],
  ])('%s %s', async (method, path, body, status) => {
    const { ask, gateway } = await startServer();
    const answer = await ask(method, path, body);
    expect([answer.status, answer.body]).toEqual([status, { errors: [expect.any(String)] }]);
    expect(gateway.submissions).toEqual([]);
  });

  test('a body that is no JSON, or does not say that it is', async () => {
    const { server } = await startServer();
    const post = async (body: string, type: string): Promise<number> =>
      (await fetch(`${server.address}/jobs`, { method: 'POST', body, headers: { 'content-type': type } })).status;
    expect(await post('{', 'application/json')).toBe(400);
    expect(await post(JSON.stringify(submission()), 'text/plain')).toBe(415);
    expect(await post(JSON.stringify(submission()), 'multipart/form-data; boundary=x')).toBe(415);
  });

  test('a huge body is refused before it is read, whether it says its length or not', async () => {
    const { server, ask } = await startServer();
    for (const headers of [{ 'content-length': '2000000000' }, { 'transfer-encoding': 'chunked' }]) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const request = httpRequest(`${server.address}/jobs`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
        });
        let answered = false;
        request.on('response', (response) => {
          answered = true;
          resolve(response.statusCode);
          response.resume();
        });
        request.on('error', (error) => (answered ? undefined : reject(error)));
        const write = (): void => {
          if (!answered && request.writable) {
            request.write('x'.repeat(65_536), () => setImmediate(write));
          }
        };
        write();
      });
      expect(status).toBe(413);
    }
    const { status, body } = await ask('POST', `/jobs/${RUNNING_JOB}/stop`, { targetDirectory: 'x'.repeat(100_000) });
    expect(status, 'requests that are no submission have small bodies').toBe(413);
    expect(body['errors'], 'no option changes that').toEqual([
      'the body has more than 65536 bytes (the most that POST /jobs/:jobid/stop takes, whatever rest.server.max-content-length is: send less)',
    ]);
    const submitted = await ask('POST', '/jobs', { bundle: 'x'.repeat(1_000_001) });
    expect(submitted.body['errors']).toEqual([
      'the body has more than 1000000 bytes (rest.server.max-content-length of the JobManagers: raise it, or send less)',
    ]);
    expect((await ask('GET', '/overview')).status).toBe(200);
  });

  test('a client that sends its request slowly is let go', async () => {
    const { server, ask } = await startServer(new FakeGateway(), {
      limits: { bodyBytesMax: 1_000_000, keepOperationsMs: 1_000, idleMs: 30_000, requestMs: 50, forwardMs: 1_000 },
    });
    for (const sent of [
      'GET /jobs HTTP/1.1\r\nHost: 127',
      'POST /jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{',
    ]) {
      const socket = connect(server.port, '127.0.0.1');
      socket.write(sent);
      const answer = await new Promise<string>((resolve, reject) => {
        let text = '';
        socket.setEncoding('utf8').on('data', (data: string) => (text += data));
        socket.on('close', () => resolve(text));
        socket.on('error', reject);
      });
      expect(answer).toMatch(/^HTTP\/1\.1 408 |^$/);
    }
    expect((await ask('GET', '/overview')).status).toBe(200);
  });

  test('nonsense in place of HTTP', async () => {
    const { server, ask } = await startServer();
    const socket = connect(server.port, '127.0.0.1');
    socket.write('hello\r\n\r\n');
    await new Promise((resolve) => {
      socket.on('error', () => {});
      socket.on('close', resolve);
      socket.resume();
    });
    expect((await ask('GET', '/overview')).status).toBe(200);
  });
});
