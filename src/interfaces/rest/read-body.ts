import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { messageOf } from '../../foundation/common/errors.ts';
import { schemaIssues } from '../../foundation/common/schema-issues.ts';
import { RestError } from './rest-error.ts';
import type { Route } from './routes/route.ts';

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** How long the body of a request may be. */
export interface BodyLimit {
  readonly maxBytes: number;
  /** Whose limit it is, with the way out. */
  readonly reason: string;
}

const BODY_BYTES_OPTION = 'rest.server.max-content-length';
/** Bodies of requests that are no submission: a few names and numbers. */
const SMALL_BODY_BYTES = 64 * 1024;

/** `configuredBytes`: `rest.server.max-content-length`. */
export const bodyLimitOf = ({ method, path, isLarge }: Route, configuredBytes: number): BodyLimit =>
  isLarge !== true && configuredBytes > SMALL_BODY_BYTES
    ? {
        maxBytes: SMALL_BODY_BYTES,
        reason: `the most that ${method} ${path} takes, whatever ${BODY_BYTES_OPTION} is: send less`,
      }
    : { maxBytes: configuredBytes, reason: `${BODY_BYTES_OPTION} of the JobManagers: raise it, or send less` };

/** Errors: 413 before a byte too many is kept. */
export const requireAllowedLength = ({ headers }: IncomingMessage, limit: BodyLimit): void => {
  if (Number(headers['content-length'] ?? 0) > limit.maxBytes) {
    throw tooLarge(limit);
  }
};

export const tooLarge = ({ maxBytes, reason }: BodyLimit): RestError =>
  new RestError(413, `the body has more than ${maxBytes} bytes (${reason})`);

/**
 * The body of a request, checked; one that is left out counts as `{}`. Errors: 413 for more than `limit`, 415 for what is not JSON by
 * its type (a page of somebody else's cannot send JSON without being asked about it first), 400 for what the schema refuses.
 */
export const readBody = async <T>(request: IncomingMessage, limit: BodyLimit, schema: z.ZodType<T>): Promise<T> => {
  const value = hasBody(request) ? await readJson(request, limit) : {};
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new RestError(400, `bad request: ${schemaIssues(parsed.error).slice(0, 1_000)}`);
  }
  return parsed.data;
};

const readJson = async (request: IncomingMessage, limit: BodyLimit): Promise<unknown> => {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    throw new RestError(415, `the body has to be application/json, not '${type.slice(0, 100)}'`);
  }
  requireAllowedLength(request, limit);
  const parts: Buffer[] = [];
  let size = 0;
  // Who sends too much still hears so: the connection outlives the loop.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > limit.maxBytes) {
      throw tooLarge(limit);
    }
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch (error) {
    throw new RestError(400, `the body is no JSON: ${messageOf(error).slice(0, 300)}`);
  }
};
