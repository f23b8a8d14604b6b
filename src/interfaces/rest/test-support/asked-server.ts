import { createHash } from 'node:crypto';
import { encodeValue } from '../../../foundation/serialization/value-codec.ts';
import type { RestServer, RestServerOptions } from '../rest-server.ts';
import type { SubmissionBody } from '../schema/submission-schema.ts';
import { FakeGateway, GRAPH, startRestServer } from './fake-gateway.ts';

const servers: RestServer[] = [];

/** Those that the test started. */
export const closeServers = async (): Promise<void> => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
};

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

export const startServer = async (
  gateway: FakeGateway | undefined = new FakeGateway(),
  changes: Partial<RestServerOptions> = {},
): Promise<{ readonly server: RestServer; readonly gateway: FakeGateway; readonly ask: typeof ask }> => {
  const server = await startRestServer(gateway, changes);
  servers.push(server);
  const ask = async (method: string, path: string, json?: unknown, headers: object = {}): Promise<Answer> => {
    const response = await fetch(server.address + path, {
      method,
      headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    return {
      status: response.status,
      body: (await response.json().catch(() => ({}))) as Record<string, unknown>,
      headers: response.headers,
    };
  };
  return { server, gateway: gateway ?? new FakeGateway(), ask };
};

export const startStandby = (changes: Partial<RestServerOptions>): ReturnType<typeof startServer> =>
  startServer(new FakeGateway(), { gateway: () => undefined, ...changes });

export const submission = (changes: Partial<SubmissionBody> = {}): SubmissionBody => ({
  jobId: 'abcdef00abcdef00abcdef00abcdef00',
  jobGraph: Buffer.from(encodeValue(GRAPH)).toString('base64'),
  bundle: { code: 'export default 1', hash: createHash('sha256').update('export default 1').digest('hex') },
  args: ['--topic', 'x'],
  env: { A: 'b' },
  configuration: { 'parallelism.default': '2' },
  ...changes,
});
