/** The control plane over loopback TCP, between two processes: `node benchmarks/rpc.ts`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { silentLogger } from '../src/foundation/common/logger.ts';
import { systemClock } from '../src/foundation/common/system-clock.ts';
import { makeCertificateAuthority, makeHostCertificate } from '../src/foundation/security/certificate.ts';
import type { TlsIdentity } from '../src/foundation/security/tls-identity.ts';
import type { RpcConnection } from '../src/runtime/rpc/rpc-connection.ts';
import { defaultLimits } from '../src/runtime/rpc/rpc-limits.ts';
import { callMethod, sendMethod } from '../src/runtime/rpc/rpc-protocol.ts';
import { accepted } from '../src/runtime/rpc/rpc-transport.ts';
import { anyPort } from '../src/runtime/rpc/port-range.ts';
import { TcpTransport } from '../src/runtime/rpc/tcp/transport.ts';
import { figureLine, human, median, percentile } from './report.ts';

const isShort = process.argv.includes('--short');
const ROUND_TRIPS = isShort ? 5_000 : 30_000;
const CALLS = isShort ? 20_000 : 100_000;
const CALLS_AT_A_TIME = 100;
const MESSAGES = isShort ? 100_000 : 500_000;
const MESSAGES_PER_TURN = 1_000;
const KILLS = isShort ? 5 : 20;

/** About what a TaskManager tells of a subtask once a second. */
const report = z.object({
  attempt: z.string(),
  recordsIn: z.number(),
  recordsOut: z.number(),
  busyMs: z.number(),
  idleMs: z.number(),
});
const sample = { attempt: '0123456789abcdef/1/v-1/3/7.2', recordsIn: 123_456, recordsOut: 99, busyMs: 1.5, idleMs: 2 };

const protocol = {
  echo: callMethod(report, report),
  /** How many reports came. */
  count: callMethod(z.undefined(), z.number()),
  report: sendMethod(report),
};

const serviceOf = () => {
  let reports = 0;
  return {
    serves: protocol,
    calls: protocol,
    handlers: {
      echo: (value: z.infer<typeof report>) => value,
      count: () => reports,
      report: () => {
        reports++;
      },
    },
  };
};

const transport = (tls?: TlsIdentity): TcpTransport =>
  new TcpTransport(
    {
      clock: systemClock,
      logger: silentLogger,
      limits: { ...defaultLimits, queueMessagesMax: 1_000_000 },
      self: () => ({
        protocolVersion: 1,
        packageVersion: '0',
        clusterId: 'benchmark',
        role: 'taskmanager',
        instanceId: String(process.pid),
        resourceId: String(process.pid),
      }),
    },
    tls,
  );

const makeIdentity = (): TlsIdentity => {
  const validity = { fromMs: Date.now() - 1000, untilMs: Date.now() + 3_600_000 };
  const authority = makeCertificateAuthority({ name: 'benchmark', ...validity });
  return { ...makeHostCertificate(authority, { name: 'localhost', hosts: [], ...validity }), ca: authority.cert };
};

const serve = async (tls: TlsIdentity | undefined): Promise<void> => {
  const listener = await transport(tls).listen({
    host: '127.0.0.1',
    ports: anyPort,
    portsKey: 'benchmark',
    accept: () => accepted(serviceOf(), () => {}),
  });
  process.stdout.write(`${listener.address.port}\n`);
};

const startPeer = async (tls?: TlsIdentity): Promise<{ connection: RpcConnection<typeof protocol>; kill(): void }> => {
  const env = { ...process.env, ...(tls === undefined ? {} : { BENCHMARK_TLS: JSON.stringify(tls) }) };
  const child = spawn(process.execPath, [import.meta.filename, '--serve'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const connection = await transport(tls).connect({ host: '127.0.0.1', port: Number(line) }, serviceOf());
  return { connection, kill: () => child.kill('SIGKILL') };
};

const roundTrips = async (connection: RpcConnection<typeof protocol>): Promise<readonly number[]> => {
  const times: number[] = [];
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const start = performance.now();
    await connection.call('echo', sample);
    times.push(performance.now() - start);
  }
  return times.slice(ROUND_TRIPS / 10);
};

const callsPerSecond = async (connection: RpcConnection<typeof protocol>): Promise<number> => {
  const start = performance.now();
  for (let i = 0; i < CALLS; i += CALLS_AT_A_TIME) {
    await Promise.all(Array.from({ length: CALLS_AT_A_TIME }, () => connection.call('echo', sample)));
  }
  return (CALLS / (performance.now() - start)) * 1000;
};

/** Until the other side has taken the last one. */
const messagesPerSecond = async (connection: RpcConnection<typeof protocol>): Promise<number> => {
  const before = await connection.call('count', undefined);
  const start = performance.now();
  for (let i = 0; i < MESSAGES; i += MESSAGES_PER_TURN) {
    for (let each = 0; each < MESSAGES_PER_TURN; each++) {
      connection.send('report', sample);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const taken = (await connection.call('count', undefined, { timeoutMs: 60_000 })) - before;
  return (taken / (performance.now() - start)) * 1000;
};

const measure = async (name: string, tls: TlsIdentity | undefined): Promise<void> => {
  const { connection, kill } = await startPeer(tls);
  const times = (await roundTrips(connection)).map((ms) => ms * 1000);
  const [p50, p99] = [median(times), percentile(times, 0.99)];
  figureLine(`${name}: round trip`, `p50 ${p50.toFixed(0)} us, p99 ${p99.toFixed(0)} us`, {
    text: 'p50 under 1 ms',
    holds: p50 < 1000,
  });
  figureLine(`${name}: calls, ${CALLS_AT_A_TIME} at a time`, `${human(await callsPerSecond(connection))}/s`);
  const perSecond = await messagesPerSecond(connection);
  figureLine(`${name}: one-way messages`, `${human(perSecond)}/s`, { text: '50 k/s', holds: perSecond >= 50_000 });
  kill();
  await connection.closed;
};

/** From `kill -9` to the end of the connection, as a standby sees it. */
const measureKills = async (): Promise<void> => {
  const times: number[] = [];
  for (let i = 0; i < KILLS; i++) {
    const { connection, kill } = await startPeer();
    await connection.call('echo', sample);
    const start = performance.now();
    kill();
    await connection.closed;
    times.push(performance.now() - start);
  }
  figureLine('kill -9 to closed', `p50 ${median(times).toFixed(1)} ms, max ${Math.max(...times).toFixed(1)} ms`);
};

if (process.argv.includes('--serve')) {
  const tls = process.env['BENCHMARK_TLS'];
  await serve(tls === undefined ? undefined : (JSON.parse(tls) as TlsIdentity));
} else {
  await measure('TCP', undefined);
  await measure('TLS', makeIdentity());
  await measureKills();
}
