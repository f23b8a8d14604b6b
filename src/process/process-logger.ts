import { errorInfo } from '../foundation/common/errors.ts';
import type { LogFields, Logger, LogLevel } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';

/** Lines of a process in the background, as Flink's: `2026-01-31 12:00:00,123 INFO  Checkpoint triggered`. */
export const processLogger = (write: (line: string) => void): Logger => {
  const log =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      const at = new Date(systemClock.now()).toISOString().replace('T', ' ').replace('.', ',').replace('Z', '');
      write(`${at} ${level.toUpperCase().padEnd(5)} ${message}${fieldsText(fields)}`);
    };
  return { debug: () => {}, info: log('info'), warn: log('warn'), error: log('error') };
};

const fieldsText = (fields: LogFields | undefined): string => {
  if (fields === undefined) {
    return '';
  }
  const plain = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value instanceof Error ? errorInfo(value) : value]],
  );
  return plain.length === 0 ? '' : ` ${JSON.stringify(Object.fromEntries(plain))}`;
};
