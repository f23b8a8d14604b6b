import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../foundation/common/clock.ts';
import { codeOf, errorInfo, MillraceError } from '../../foundation/common/errors.ts';
import { LimitedLog } from '../../foundation/common/limited-log.ts';
import type { Logger } from '../../foundation/common/logger.ts';
import type { Random } from '../../foundation/common/random.ts';
import type { TlsIdentity } from '../../foundation/security/tls-identity.ts';
import type { ClusterGateway } from './cluster-gateway.ts';
import { forwardToLeader, FORWARDED_HEADER, LeaderGone } from './forward-to-leader.ts';
import { Operations } from './operations.ts';
import { bodyLimitOf, hasBody, readBody, requireAllowedLength, type BodyLimit } from './read-body.ts';
import { checkAccess, isAllowedOrigin, type RestAccess } from './rest-access.ts';
import { errorsBody, NO_LEADER, RestError, statusOf } from './rest-error.ts';
import { clusterRoutes, dashboardConfig } from './routes/cluster-routes.ts';
import { jobRoutes } from './routes/job-routes.ts';
import { operationRoutes } from './routes/operation-routes.ts';
import { rescaleRoutes } from './routes/rescale-routes.ts';
import type { RouteAnswer } from './routes/route.ts';
import { Router, type RouteMatch } from './routes/router.ts';
import { submissionRoute } from './routes/submission-route.ts';

export interface RestServerOptions {
  readonly host: string;
  /** Tried in this order; 0: any. */
  readonly ports: readonly number[];
  /** The host that others reach this one at; `host` when missing. */
  readonly advertisedHost?: string | undefined;
  /** The cluster while this process leads it. */
  readonly gateway: () => ClusterGateway | undefined;
  /** Where the leader answers, as last seen: `http://host:port`. */
  readonly leaderAddress: () => string | undefined;
  readonly access: RestAccess;
  readonly tls?: { readonly identity: TlsIdentity; readonly clientCertificates: boolean } | undefined;
  readonly limits: RestLimits;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface RestLimits {
  /** `rest.server.max-content-length`. */
  readonly bodyBytesMax: number;
  /** `rest.async.store-duration`. */
  readonly keepOperationsMs: number;
  /** `rest.idleness-timeout`. */
  readonly idleMs: number;
  /** The whole of a request has to be there by then. */
  readonly requestMs: number;
  /** The leader has to answer a request that was handed on to it. */
  readonly forwardMs: number;
}

/** Submissions that are read at a time: each may be as large as allowed. */
const LARGE_BODIES_MAX = 4;
const CONNECTIONS_MAX = 512;
const CHECK_INTERVAL_MS = 1_000;
const HEADERS_MS = 10_000;
const LINGER_MS = 1_000;
/** So long a request waits for somebody to lead, and so often it looks. */
const LEADER_PATIENCE_MS = 2_000;
const LEADER_LOOK_MS = 20;

const ROUTER = new Router([...clusterRoutes, ...jobRoutes, ...operationRoutes, ...rescaleRoutes, submissionRoute]);

/** A leader that was named and is not there. */
interface Gone {
  readonly address: string;
  readonly error: LeaderGone;
}

/** How clients reach a JobManager. The leader answers itself, a standby asks the leader for them. */
export class RestServer {
  /** As others see it: `http://host:port`. */
  readonly address: string;
  readonly port: number;
  readonly #options: RestServerOptions;
  readonly #server: Server;
  readonly #disposals: Operations<void>;
  readonly #log: LimitedLog;
  #largeBodies = 0;
  #isClosed = false;

  private constructor(options: RestServerOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    const host = options.advertisedHost ?? options.host;
    this.address = `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${this.port}`;
    this.#log = new LimitedLog(options.logger, options.clock, 'requests to the REST port');
    this.#disposals = new Operations(options.clock, options.limits.keepOperationsMs);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response));
  }

  /** Errors: ADDRESS_IN_USE when no port is free, UNREACHABLE for an address that is none of this machine. */
  static async start(options: RestServerOptions): Promise<RestServer> {
    const server = serverFor(options);
    await listen(server, options);
    return new RestServer(options, server);
  }

  /** Lets go of the port at once; answers that are under way are still sent for a moment. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#disposals.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const cut = this.#options.clock.after(CHECK_INTERVAL_MS, () => this.#server.closeAllConnections());
    await closed;
    cut.cancel();
    this.#log.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {
      // Whoever asked has gone.
    });
    try {
      this.#allowOrigin(request, response);
      if (request.method === 'OPTIONS') {
        response.writeHead(204).end();
        return;
      }
      const answer = await this.#answer(request, response);
      if (answer !== undefined) {
        this.#send(request, response, answer);
      }
    } catch (thrown) {
      const status = statusOf(thrown);
      if (status === 500) {
        this.#log.error('a request failed', { error: errorInfo(thrown), url: request.url });
      }
      this.#send(request, response, { status, body: errorsBody(thrown) });
    }
  }

  /** `undefined`: the leader's answer is on its way already. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<RouteAnswer | undefined> {
    const { access, limits, tls, version } = this.#options;
    const url = urlOf(request);
    const match = matchOf(request.method ?? 'GET', url.pathname);
    if (match === 'config') {
      return { status: 200, body: dashboardConfig(version) };
    }
    const { authorization, origin, host } = request.headers;
    const isForwarded = request.headers[FORWARDED_HEADER] !== undefined;
    checkAccess(access, { authorization, origin, host });
    const limit = bodyLimitOf(match.route, limits.bodyBytesMax);
    requireAllowedLength(request, limit);
    const deadlineMs = this.#options.clock.monotonic() + LEADER_PATIENCE_MS;
    let gone: Gone | undefined;
    for (;;) {
      const leader = await this.#leader(isForwarded, deadlineMs, gone);
      if (typeof leader !== 'string') {
        return this.#carryOut(match, request, url, leader, limit);
      }
      const forwarding = { leaderAddress: leader, limit, timeoutMs: limits.forwardMs, tls: tls?.identity };
      try {
        await forwardToLeader(request, response, forwarding);
        return undefined;
      } catch (thrown) {
        if (!(thrown instanceof LeaderGone)) {
          throw thrown;
        }
        gone = { address: leader, error: thrown };
      }
    }
  }

  /**
   * This process, or the address of another one that is not `gone`. Between two leaders it waits a little: a takeover is a matter of
   * milliseconds.
   */
  async #leader(isForwarded: boolean, deadlineMs: number, gone: Gone | undefined): Promise<ClusterGateway | string> {
    const { gateway, leaderAddress, clock } = this.#options;
    for (;;) {
      const leading = gateway();
      if (leading !== undefined) {
        return leading;
      }
      const address = leaderAddress();
      if (!isForwarded && address !== undefined && address !== this.address && address !== gone?.address) {
        return address;
      }
      if (this.#isClosed || clock.monotonic() >= deadlineMs) {
        throw gone?.error ?? new RestError(503, NO_LEADER);
      }
      await new Promise<void>((resolve) => {
        clock.after(LEADER_LOOK_MS, resolve);
      });
    }
  }

  async #carryOut(
    { route, parameters }: RouteMatch,
    request: IncomingMessage,
    url: URL,
    gateway: ClusterGateway,
    limit: BodyLimit,
  ): Promise<RouteAnswer> {
    const { clock, random, version } = this.#options;
    const context = { gateway, disposals: this.#disposals, clock, random, version, restAddress: this.address };
    const isLarge = route.isLarge === true && hasBody(request);
    if (isLarge && this.#largeBodies >= LARGE_BODIES_MAX) {
      throw new RestError(503, `${LARGE_BODIES_MAX} submissions are being read already; ask again`);
    }
    this.#largeBodies += isLarge ? 1 : 0;
    try {
      return await route.handle(
        { parameters, query: url.searchParams, body: (schema) => readBody(request, limit, schema) },
        context,
      );
    } finally {
      this.#largeBodies -= isLarge ? 1 : 0;
    }
  }

  /** Errors of the request are answered; what is sent beyond a refusal is thrown away for a moment, so that the answer arrives. */
  #send(request: IncomingMessage, response: ServerResponse, { status, body }: RouteAnswer): void {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const text = JSON.stringify(body);
    const isCutShort = hasBody(request) && !request.complete;
    response.writeHead(status, {
      'content-type': 'application/json; charset=UTF-8',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(isCutShort ? { connection: 'close' } : {}),
    });
    response.end(text);
    if (isCutShort) {
      const cut = this.#options.clock.after(LINGER_MS, () => request.destroy());
      request.on('close', () => cut.cancel());
      request.resume();
    }
  }

  #allowOrigin(request: IncomingMessage, response: ServerResponse): void {
    const { origin } = request.headers;
    if (origin !== undefined && isAllowedOrigin(this.#options.access, origin)) {
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE');
      response.setHeader('access-control-allow-headers', 'authorization, content-type');
      response.setHeader('vary', 'origin');
    }
  }
}

/** Answered whoever leads, and without a token: probes ask it whether the process lives. */
const matchOf = (method: string, pathname: string): RouteMatch | 'config' =>
  method === 'GET' && /^(?:\/v1)?\/config\/?$/.test(pathname) ? 'config' : ROUTER.match(method, pathname);

const urlOf = ({ url }: IncomingMessage): URL => {
  try {
    return new URL(url ?? '/', 'http://localhost');
  } catch {
    throw new RestError(400, 'the path cannot be read');
  }
};

const serverFor = ({ tls, limits }: RestServerOptions): Server => {
  const options: ServerOptions = {
    headersTimeout: Math.min(HEADERS_MS, limits.requestMs),
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.requestMs),
  };
  const server =
    tls === undefined
      ? createServer(options)
      : createTlsServer({
          ...options,
          key: tls.identity.key,
          cert: tls.identity.cert,
          ca: tls.identity.ca,
          requestCert: tls.clientCertificates,
          rejectUnauthorized: tls.clientCertificates,
          minVersion: 'TLSv1.2',
          handshakeTimeout: Math.min(HEADERS_MS, limits.requestMs),
        });
  server.maxConnections = CONNECTIONS_MAX;
  // Who reads no answer does not hold a connection for ever.
  server.setTimeout(limits.idleMs);
  return server;
};

const listen = async (server: Server, { host, ports }: RestServerOptions): Promise<void> => {
  for (const port of ports) {
    try {
      await listenOn(server, host, port);
      return;
    } catch (error) {
      if (codeOf(error) === 'EADDRNOTAVAIL' || codeOf(error) === 'ENOTFOUND') {
        throw new MillraceError('UNREACHABLE', `rest.bind-address is ${host}, which is no address of this machine`, {
          cause: error,
        });
      }
      if (codeOf(error) !== 'EADDRINUSE' && codeOf(error) !== 'EACCES') {
        throw error;
      }
    }
  }
  throw new MillraceError(
    'ADDRESS_IN_USE',
    `no port of rest.bind-port (${ports.slice(0, 5).join(', ')}${ports.length > 5 ? ', ...' : ''}) is free on ${host}; end what ` +
      'listens there, or name a range such as 8081-8090, or 0 for any',
  );
};

const listenOn = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
