import { PassThrough } from 'node:stream';
import { systemClock } from '../../../../foundation/common/system-clock.ts';
import { encodeValue } from '../../../../foundation/serialization/value-codec.ts';
import { startServer } from '../../../rest/test-support/asked-server.ts';
import { GRAPH, type FakeGateway } from '../../../rest/test-support/fake-gateway.ts';
import { runCli, type CliEnvironment } from '../../cli.ts';
import type { JobControl } from '../../job-control.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const nothingLocal = (): JobControl => ({
  list: () => Promise.resolve([]),
  cancel: () => Promise.reject(new Error('not here')),
  stop: () => Promise.reject(new Error('not here')),
  savepoint: () => Promise.reject(new Error('not here')),
  checkpoint: () => Promise.reject(new Error('not here')),
  dispose: () => Promise.reject(new Error('not here')),
  rescale: () => Promise.reject(new Error('not here')),
  retry: () => Promise.reject(new Error('not here')),
});

/** One command line, as a process would run it. */
export const run = async (args: readonly string[], changes: Partial<CliEnvironment> = {}): Promise<Ran> => {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const code = await runCli(['node', 'millrace', ...args], {
    version: '1.2.3',
    start: () => Promise.reject(new Error('started in this process')),
    plan: () =>
      Promise.resolve({
        jobName: GRAPH.name,
        jobGraph: encodeValue(GRAPH),
        configuration: { 'parallelism.default': '2' },
        warnings: ['mind the gap'],
      }),
    streams,
    env: {},
    clock: systemClock,
    openLocalControl: () => Promise.resolve(nothingLocal()),
    findLeader: () => Promise.resolve(undefined),
    findLeaderEndpoints: () => Promise.resolve(undefined),
    probePorts: (_, targets) => Promise.resolve({ network: 'here', outcomes: targets.map(() => ({})) }),
    startedCluster: () => Promise.resolve(undefined),
    loadTls: () => Promise.resolve(undefined),
    gatherFacts: () => Promise.reject(new Error('not here')),
    restoreStore: () => Promise.reject(new Error('not here')),
    deleteStore: () => Promise.reject(new Error('not here')),
    readHaStore: () => Promise.reject(new Error('not here')),
    onInterrupt: () => () => {},
    exitNow: () => {},
    waitForDebugger: () => Promise.resolve(),
    ...changes,
  });
  const text = (stream: PassThrough): string => String((stream.read() as Buffer | null) ?? '');
  return { code, stdout: text(streams.stdout), stderr: text(streams.stderr) };
};

/** A server with a cluster that is only played. */
export const cluster = async (): Promise<{
  readonly gateway: FakeGateway;
  readonly at: string[];
  readonly address: string;
}> => {
  const { gateway, server } = await startServer();
  return { gateway, at: ['-m', `127.0.0.1:${server.port}`], address: server.address };
};
