import { z } from 'zod';
import { MillraceError, messageOf } from '../../foundation/common/errors.ts';
import type { ErrorCode } from '../../foundation/common/errors.ts';
import { schemaIssues } from '../../foundation/common/schema-issues.ts';

/** A command and its answer are one line of JSON each; more than this is no command of ours. */
export const LINE_BYTES_MAX = 64 * 1024;

const VERSION = 1;

const folder = z.exactOptional(z.string().min(1).max(4096));

const commandSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('describe') }),
  z.strictObject({ kind: z.literal('cancel') }),
  z.strictObject({ kind: z.literal('stop'), folder, drain: z.boolean() }),
  z.strictObject({ kind: z.literal('savepoint'), folder }),
  z.strictObject({ kind: z.literal('checkpoint') }),
]);

/** What a command line asks the process of a job. */
export type ControlCommand = z.infer<typeof commandSchema>;

const requestSchema = z.strictObject({ version: z.literal(VERSION), command: commandSchema });

export const jobDescriptionSchema = z.object({
  jobId: z.string().regex(/^[0-9a-f]{32}$/),
  jobName: z.string().max(1024),
  status: z.string().max(64),
  startedMs: z.number(),
  pid: z.int().positive(),
});

export type JobDescription = z.infer<typeof jobDescriptionSchema>;

export const cancelResultSchema = z.object({
  status: z.enum(['FINISHED', 'CANCELED', 'FAILED']),
  retainedCheckpoint: z.exactOptional(z.string()),
});

export const pathSchema = z.object({ path: z.string().min(1) });

const replySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), code: z.string().max(64), message: z.string() }),
]);

export const requestLine = (command: ControlCommand): string => `${JSON.stringify({ version: VERSION, command })}\n`;

export const okLine = (value: unknown): string => `${JSON.stringify({ ok: true, value })}\n`;

export const errorLine = (thrown: unknown): string => {
  const code = thrown instanceof MillraceError ? thrown.code : 'PROTOCOL';
  return `${JSON.stringify({ ok: false, code, message: messageOf(thrown).slice(0, LINE_BYTES_MAX / 4) })}\n`;
};

/** Errors: PROTOCOL for anything that is not a command of this version. */
export const parseRequest = (line: string): ControlCommand => parse(requestSchema, line, 'request').command;

/** The value of an answer; throws the error of one that says no. */
export const parseReply = <T>(schema: z.ZodType<T>, line: string): T => {
  const reply = parse(replySchema, line, 'answer');
  if (!reply.ok) {
    throw new MillraceError(reply.code as ErrorCode, reply.message);
  }
  const value = schema.safeParse(reply.value);
  if (!value.success) {
    throw notUnderstood('answer', schemaIssues(value.error));
  }
  return value.data;
};

const parse = <T>(schema: z.ZodType<T>, line: string, what: string): T => {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (error) {
    throw notUnderstood(what, messageOf(error));
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    throw notUnderstood(what, schemaIssues(parsed.error));
  }
  return parsed.data;
};

const notUnderstood = (what: string, reason: string): MillraceError =>
  new MillraceError(
    'PROTOCOL',
    `the ${what} was not understood (${reason.replaceAll('\n', ' ').slice(0, 300)}); do both sides run the same version?`,
  );
