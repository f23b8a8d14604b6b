import { errorInfo } from '../foundation/common/errors.ts';

/** One line of the log, as pino writes it. */
export interface LogRecord {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const LEVEL_WIDTH = 5;

/**
 * As Flink's: `2026-01-31 12:00:00,123 INFO  Triggering checkpoint 7 ...`. Without `withStacks` an error is its message, once;
 * every line of a text that has several is indented, so that none of them looks like a line of the log.
 */
export const prettyLine = (
  { time, level, msg, process: _process, ...fields }: LogRecord,
  withStacks: boolean,
): string => {
  const at = time.replace('T', ' ').replace('.', ',').replace('Z', '');
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  const errors = shown.flatMap(([, value]) => (isError(value) ? [value] : []));
  const plain = shown.filter(([, value]) => !isError(value));
  const said = errors.filter(({ message }) => !msg.includes(message)).map(({ message }) => `: ${message}`);
  const rest = plain.length === 0 ? '' : ` ${JSON.stringify(Object.fromEntries(plain))}`;
  const stacks = withStacks ? errors.map(stackText) : [];
  const text = [`${msg}${said.join('')}${rest}`, ...stacks].join('\n').trimEnd().replaceAll(/\r?\n/g, '\n    ');
  return `${at} ${level.toUpperCase().padEnd(LEVEL_WIDTH)} ${text}`;
};

/** Fields for pino: errors as plain data, also those that hold others. */
export const plainFields = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? errorInfo(value) : value]),
  );

interface ShownError {
  readonly name: string;
  readonly message: string;
  readonly stack?: unknown;
  readonly cause?: unknown;
}

const isError = (value: unknown): value is ShownError =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  typeof value.name === 'string' &&
  'message' in value &&
  typeof value.message === 'string';

const stackText = ({ name, message, stack, cause }: ShownError): string => {
  const own = typeof stack === 'string' ? stack : `${name}: ${message}`;
  return isError(cause) ? `${own}\nCaused by: ${stackText(cause)}` : own;
};
