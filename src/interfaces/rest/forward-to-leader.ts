import { request as requestPlain, type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http';
import { request as requestTls } from 'node:https';
import { pipeline, Transform } from 'node:stream';
import { codeOf, messageOf } from '../../foundation/common/errors.ts';
import type { TlsIdentity } from '../../foundation/security/tls-identity.ts';
import { tooLarge, type BodyLimit } from './read-body.ts';
import { RestError } from './rest-error.ts';

/** Set on what a standby hands on: it is answered or refused, never handed on again. */
export const FORWARDED_HEADER = 'x-millrace-forwarded';

const HANDED_ON = ['accept', 'authorization', 'content-type', 'content-length'] as const;

export interface ForwardOptions {
  /** `http://host:port`. */
  readonly leaderAddress: string;
  readonly limit: BodyLimit;
  /** Without a sign of the leader. */
  readonly timeoutMs: number;
  /** What this process proves itself with to the leader. */
  readonly tls: TlsIdentity | undefined;
}

/** Nobody is there, and nothing of the request was used: it can be handed to the next leader. */
export class LeaderGone extends RestError {}

/**
 * Asks the leader in place of whoever asks here, and hands its answer back as it comes. Rejects while nothing has been answered yet;
 * errors: 413, 502 for an address that is none, 503 for a leader that does not answer, as LeaderGone where its port is closed.
 */
export const forwardToLeader = (
  request: IncomingMessage,
  response: ServerResponse,
  options: ForwardOptions,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const url = leaderUrl(options.leaderAddress, request.url ?? '/');
    const fail = (thrown: unknown): void => {
      upstream.destroy();
      if (response.headersSent) {
        response.destroy();
        resolve();
      } else {
        const message = `the leader at ${options.leaderAddress} does not answer: ${messageOf(thrown)}`;
        const isGone = codeOf(thrown) === 'ECONNREFUSED';
        reject(
          thrown instanceof RestError ? thrown : isGone ? new LeaderGone(503, message) : new RestError(503, message),
        );
      }
    };
    const upstream = open(url, request, options);
    upstream.on('error', fail);
    upstream.on('timeout', () => fail(new Error(`nothing came within ${options.timeoutMs} ms`)));
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, {
        'content-type': answer.headers['content-type'] ?? 'application/json',
      });
      pipeline(answer, response, () => resolve());
    });
    response.on('close', () => upstream.destroy());
    const send = (): void => {
      pipeline(request, limited(options.limit), upstream, (error) => {
        if (error) {
          fail(error);
        }
      });
    };
    // Nothing of the request is used for a leader that is gone.
    upstream.on('socket', (socket) => {
      if (socket.connecting) {
        socket.once('connect', send);
      } else {
        send();
      }
    });
  });

const leaderUrl = (address: string, path: string): URL => {
  try {
    return new URL(path, address);
  } catch {
    throw new RestError(502, `the leader's REST address '${address}' is none`);
  }
};

const open = (url: URL, request: IncomingMessage, { timeoutMs, tls }: ForwardOptions) => {
  const headers: Record<string, string> = { [FORWARDED_HEADER]: '1' };
  for (const name of HANDED_ON) {
    const value = request.headers[name];
    if (value !== undefined) {
      headers[name] = value;
    }
  }
  const options: RequestOptions = { method: request.method ?? 'GET', headers, timeout: timeoutMs };
  return url.protocol === 'https:'
    ? requestTls(url, {
        ...options,
        ...(tls === undefined ? {} : { key: tls.key, cert: tls.cert, ca: tls.ca }),
      })
    : requestPlain(url, options);
};

/** Nobody says how long a body without a length becomes. */
const limited = (limit: BodyLimit): Transform => {
  let size = 0;
  return new Transform({
    transform(part: Buffer, _encoding, done): void {
      size += part.length;
      if (size > limit.maxBytes) {
        done(tooLarge(limit));
      } else {
        done(null, part);
      }
    },
  });
};
