import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getTls } from 'node:https';
import type { Clock } from '../foundation/common/clock.ts';
import { codeOf, messageOf, MillraceError } from '../foundation/common/errors.ts';
import type { TlsIdentity } from '../foundation/security/tls-identity.ts';
import { dashboardConfigSchema } from '../interfaces/rest/schema/cluster-schema.ts';
import { probeDataPort } from '../runtime/network/tcp/probe-data-port.ts';
import type { ProbeOutcome, ProbePorts, ProbeTarget } from '../runtime/protocol/reachability.ts';
import { parseAddress } from '../runtime/rpc/rpc-address.ts';
import type { RpcTransport } from '../runtime/rpc/rpc-transport.ts';
import { dataPlaneTls } from './data-plane-tls.ts';
import { networkId } from './network-id.ts';

export interface PortProbing {
  readonly clusterId: string;
  readonly transport: Pick<RpcTransport, 'connect'>;
  readonly tls: TlsIdentity | undefined;
  readonly clock: Clock;
}

/** Whoever does not answer within this is out of reach: two tries of TCP are. */
const TIMEOUT_MS = 4_000;
const PARALLEL = 256;
const ANSWER_BYTES_MAX = 64 * 1024;

/** Tries ports from this process, as those who need them do: TLS, hello, and who answers. */
export const portProber =
  (probing: PortProbing): ProbePorts =>
  async (targets) => {
    const outcomes: ProbeOutcome[] = [];
    const left = [...targets.entries()];
    const work = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [index, target] = next;
        outcomes[index] = await outcomeOf(() => probe(target, probing));
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, targets.length) }, work));
    return { network: networkId(), outcomes };
  };

const probe = async (target: ProbeTarget, probing: PortProbing): Promise<void> => {
  const { address, instanceId, thread = 0 } = target;
  const { transport, tls, clusterId, clock } = probing;
  switch (target.port) {
    case 'rpc':
      return probeRpc(address, instanceId, transport);
    case 'data': {
      const to = { ...parseAddress(address), instanceId, thread };
      return probeDataPort(to, { clusterId, tls: dataPlaneTls(tls), clock, timeoutMs: TIMEOUT_MS });
    }
    case 'rest':
      return probeRest(address, tls);
  }
};

const probeRpc = async (address: string, instanceId: string, transport: PortProbing['transport']): Promise<void> => {
  const service = { serves: {}, handlers: {}, calls: {} };
  const connection = await transport.connect(parseAddress(address), service, { timeoutMs: TIMEOUT_MS });
  const { peer } = connection;
  connection.close();
  if (peer.instanceId !== instanceId) {
    throw new MillraceError('HELLO_REFUSED', `this is ${peer.role} ${peer.resourceId}, another process`);
  }
};

/** The one answer that needs neither a leader nor a token. */
const probeRest = async (address: string, tls: TlsIdentity | undefined): Promise<void> => {
  const url = new URL('/config', address);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { agent: false, signal };
    const identity = tls === undefined ? {} : { key: tls.key, cert: tls.cert, ca: tls.ca };
    const isTls = url.protocol === 'https:';
    const request = isTls ? getTls(url, { ...options, ...identity }, resolve) : getPlain(url, options, resolve);
    request.on('error', reject);
  });
  let text = '';
  for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) {
    text += part;
    if (text.length > ANSWER_BYTES_MAX) {
      break;
    }
  }
  if (!isDashboardConfig(text)) {
    throw new MillraceError('HELLO_REFUSED', 'what answers is no JobManager, but another process');
  }
};

const isDashboardConfig = (text: string): boolean => {
  try {
    return dashboardConfigSchema.safeParse(JSON.parse(text)).data?.['flink-revision'] === 'millrace';
  } catch {
    return false;
  }
};

const outcomeOf = async (run: () => Promise<void>): Promise<ProbeOutcome> => {
  try {
    await run();
    return {};
  } catch (thrown) {
    return { problem: problemOf(thrown), detail: messageOf(thrown).slice(0, 500) };
  }
};

type Problem = NonNullable<ProbeOutcome['problem']>;

const PROBLEM_OF_CODE: Readonly<Record<string, Problem>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  TIMEOUT: 'timeout',
  ABORT_ERR: 'timeout',
  EHOSTUNREACH: 'no-route',
  ENETUNREACH: 'no-route',
  EADDRNOTAVAIL: 'no-route',
  EINVAL: 'no-route',
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
  BAD_CERTIFICATE: 'tls',
};

const DISTRUST = /^(ERR_SSL_|ERR_TLS_|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|INVALID_CA|CRL_|ERROR_IN_CERT|EPROTO)/;

/** The innermost code says most. */
const problemOf = (thrown: unknown): Problem => {
  const cause: unknown = thrown instanceof Error ? thrown.cause : undefined;
  const inner = cause === undefined ? 'no-answer' : problemOf(cause);
  if (inner !== 'no-answer') {
    return inner;
  }
  const code = codeOf(thrown) ?? '';
  const message = messageOf(thrown);
  if (code === 'HELLO_REFUSED') {
    return /belongs to cluster/.test(message)
      ? 'other-cluster'
      : /protocol \d|version \d/.test(message)
        ? 'other-version'
        : 'other-process';
  }
  return PROBLEM_OF_CODE[code] ?? (DISTRUST.test(code) || /TLS/.test(message) ? 'tls' : 'no-answer');
};
