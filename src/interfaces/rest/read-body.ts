import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { messageOf } from '../../foundation/common/errors.ts';
import { schemaIssues } from '../../foundation/common/schema-issues.ts';
import { RestError } from './rest-error.ts';

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Errors: 413 before a byte too many is kept. */
export const requireAllowedLength = ({ headers }: IncomingMessage, maxBytes: number): void => {
  if (Number(headers['content-length'] ?? 0) > maxBytes) {
    throw tooLarge(maxBytes);
  }
};

export const tooLarge = (maxBytes: number): RestError =>
  new RestError(413, `the body has more than ${maxBytes} bytes (rest.server.max-content-length)`);

/**
 * The body of a request, checked; one that is left out counts as `{}`. Errors: 413 for more than `maxBytes`, 415 for what is not JSON by
 * its type (a page of somebody else's cannot send JSON without being asked about it first), 400 for what the schema refuses.
 */
export const readBody = async <T>(request: IncomingMessage, maxBytes: number, schema: z.ZodType<T>): Promise<T> => {
  const value = hasBody(request) ? await readJson(request, maxBytes) : {};
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new RestError(400, `bad request: ${schemaIssues(parsed.error).slice(0, 1_000)}`);
  }
  return parsed.data;
};

const readJson = async (request: IncomingMessage, maxBytes: number): Promise<unknown> => {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    throw new RestError(415, `the body has to be application/json, not '${type.slice(0, 100)}'`);
  }
  requireAllowedLength(request, maxBytes);
  const parts: Buffer[] = [];
  let size = 0;
  // Who sends too much still hears so: the connection outlives the loop.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) {
      throw tooLarge(maxBytes);
    }
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch (error) {
    throw new RestError(400, `the body is no JSON: ${messageOf(error).slice(0, 300)}`);
  }
};
