import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { NoneServices } from '../coordination/none/none-services.ts';
import type { Clock } from '../foundation/common/clock.ts';
import type { MillraceError } from '../foundation/common/errors.ts';
import { silentLogger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { Configuration } from '../foundation/config/configuration.ts';
import { until } from '../runtime/network/test-support/until.ts';
import { jobManagerProtocol, taskManagerProtocol } from '../runtime/protocol/cluster-protocol.ts';
import { PROTOCOL_VERSION } from '../runtime/protocol/protocol-version.ts';
import { parseAddress } from '../runtime/rpc/rpc-address.ts';
import { defaultLimits } from '../runtime/rpc/rpc-limits.ts';
import { TcpTransport } from '../runtime/rpc/tcp/transport.ts';
import { packageVersion } from './package-version.ts';
import { startTaskManager, type RunningTaskManager, type TaskManagerSurroundings } from './start-task-manager.ts';
import { taskOutput } from './task-output.ts';

let started: RunningTaskManager[] = [];
let servers: Server[] = [];

afterEach(async () => {
  await Promise.all(started.map((taskManager) => taskManager.stop()));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  started = [];
  servers = [];
});

const start = async (
  settings: Readonly<Record<string, string>> = {},
  more: Partial<TaskManagerSurroundings> = {},
): Promise<RunningTaskManager> => {
  const taskManager = await startTaskManager(Configuration.of(settings), {
    haServices: new NoneServices({ clock: systemClock, random: systemRandom }),
    logger: silentLogger,
    ...more,
  });
  started.push(taskManager);
  return taskManager;
};

const takenPort = async (): Promise<string> => {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return String((server.address() as AddressInfo).port);
};

const stranger = (address: string, clusterId = 'default') => {
  const transport = new TcpTransport({
    clock: systemClock,
    logger: silentLogger,
    limits: defaultLimits,
    self: () => ({
      protocolVersion: PROTOCOL_VERSION,
      packageVersion: packageVersion(),
      clusterId,
      role: 'jobmanager',
      instanceId: 'i',
      resourceId: 'r',
    }),
  });
  const refuse = (): never => {
    throw new Error('nobody calls this');
  };
  const handlers = {
    registerTaskManager: refuse,
    taskReport: refuse,
    taskMetrics: refuse,
    dataLocations: refuse,
    heartbeat: refuse,
  };
  return transport.connect(parseAddress(address), { serves: jobManagerProtocol, calls: taskManagerProtocol, handlers });
};

describe('a TaskManager process', () => {
  test('answers hellos and pings, and takes no commands from those who connect to it', async () => {
    const taskManager = await start({ 'taskmanager.resource-id': 'tm-7' });
    const connection = await stranger(taskManager.address);
    expect(connection.peer).toMatchObject({ resourceId: 'tm-7', instanceId: taskManager.instanceId });
    // No leader is known yet: only the store can say which lineage counts.
    await expect(connection.call('ping', { fence: { lineage: 'l', epoch: 1 } })).rejects.toMatchObject({
      code: 'FENCED',
      retryable: true,
    });
    connection.send('deploy', { fence: { lineage: 'l', epoch: 1 }, deployments: [] });
    expect(await connection.closed).toMatchObject({ kind: 'peer' });
    await expect(stranger(taskManager.address, '/other')).rejects.toMatchObject({ code: 'HELLO_REFUSED' });
  });

  test('has a new instance id at each start, and a resource id of its own unless one is set', async () => {
    const [first, second] = [await start(), await start()];
    expect(first.instanceId).not.toBe(second.instanceId);
    expect(first.resourceId).not.toBe(second.resourceId);
  });

  test('does not start when its port is taken', async () => {
    const port = await takenPort();
    await expect(start({ 'taskmanager.rpc.port': port })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: expect.stringContaining('taskmanager.rpc.port'),
    });
  });

  test('does not start when its threads find no port for records', async () => {
    const port = await takenPort();
    await expect(start({ 'taskmanager.data.port': port })).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  });

  test('that finds no leader in time stops, and says so', async () => {
    const errors: MillraceError[] = [];
    const taskManager = await start(
      { 'taskmanager.registration.timeout': '20ms' },
      { gaveUp: (error) => void errors.push(error) },
    );
    await until(() => errors.length === 1, 'the end');
    expect(errors).toMatchObject([{ code: 'TIMEOUT' }]);
    await expect(stranger(taskManager.address)).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });

  test('leaves no timer when it has stopped, which would keep its process', async () => {
    const pending = new Set<number>();
    let timers = 0;
    const clock: Clock = {
      now: () => systemClock.now(),
      monotonic: () => systemClock.monotonic(),
      after: (delayMs, run) => {
        const id = timers++;
        pending.add(id);
        const handle = systemClock.after(delayMs, () => {
          pending.delete(id);
          run();
        });
        return {
          cancel: () => {
            pending.delete(id);
            handle.cancel();
          },
        };
      },
    };
    const taskManager = await start({}, { clock });
    await taskManager.stop();
    expect(timers).toBeGreaterThan(0);
    expect(pending).toEqual(new Set());
  });
});

test('what jobs print goes out as it is, what they log with job and operator, what is for a client nowhere', () => {
  const lines: string[] = [];
  const note = (message: string): void => void lines.push(message);
  const logger = { debug: note, info: note, warn: note, error: note };
  const output = taskOutput(logger, (line) => void lines.push(`out ${line}`));
  void output.client('j', 'stdout', '1> x');
  void output.console({ kind: 'console', level: 'warn', text: 'careful', source: 'map (1/2)' }, 'counts');
  void output.console({ kind: 'console', level: 'info', text: 'plain', source: '' }, undefined);
  void output.client('j', 'rows', {});
  void output.client('j', 'rows', {});
  expect(lines).toEqual([
    'out 1> x',
    '[counts map (1/2)] careful',
    'plain',
    expect.stringContaining('Job j collects "rows"'),
  ]);
});
