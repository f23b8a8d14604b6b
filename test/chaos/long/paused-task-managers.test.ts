import { afterEach, expect, test } from 'vitest';
import { StartedCluster } from '../started-cluster.ts';

let cluster: StartedCluster | undefined;

afterEach(async () => {
  await cluster?.close();
});

test('TaskManagers that are paused beyond the timeout of heartbeats, one after the other, and woken: each gives its slot back', async () => {
  cluster = await StartedCluster.start({
    jobManagers: 1,
    taskManagers: 3,
    configuration: { 'heartbeat.interval': '300 ms', 'heartbeat.timeout': '2 s' },
  });
  // The second round needs the slot that the first victim had.
  const { code, stdout, stderr } = await cluster.run(
    ...['drill', '--kill', 'taskmanager', '--action', 'pause', '--pause-for', '3s', '--rounds', '3', '--every', '1s'],
  );
  expect({ code, stdout }, `it said:\n${stderr}\n${cluster.logOf('jobmanager-1')}`).toEqual({
    code: 0,
    stdout: expect.stringContaining('Verdict: green'),
  });
});
