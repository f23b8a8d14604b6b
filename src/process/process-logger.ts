import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { codeOf } from '../foundation/common/errors.ts';
import type { LogFields, Logger, LogLevel } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { HIDDEN_VALUE, isSecret } from '../foundation/config/option-registry.ts';
import { rawText } from '../foundation/config/option-type.ts';
import { processOptions } from '../foundation/config/options/process-options.ts';
import { plainFields, prettyLine, type LogRecord } from './log-lines.ts';
import { RotatingFile } from './rotating-file.ts';

export type LogFormat = 'pretty' | 'json';

export interface ProcessLoggerOptions {
  /** `off`: nothing. */
  readonly level: LogLevel | 'off';
  readonly format: LogFormat;
  /** In every JSON line. */
  readonly process: string;
  /** Texts that no line may show. */
  readonly secrets: readonly string[];
  /** Must be done when it returns, and must not throw. */
  readonly write: (line: string) => void;
}

/** Shorter ones would make lines unreadable, and protect nothing. */
const SECRET_LENGTH_MIN = 4;

/** Logs in order and at once: a line is written when the call returns, so that a crash loses none that came before it. */
export const processLogger = ({ level, format, process, secrets, write }: ProcessLoggerOptions): Logger => {
  const hide = hiding(secrets);
  const withStacks = level === 'debug';
  const lines = pino(
    {
      level: level === 'off' ? 'silent' : level,
      base: { process },
      timestamp: () => `,"time":"${new Date(systemClock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => error },
    },
    {
      write: (json) => {
        const line = format === 'json' ? json.trimEnd() : prettyLine(JSON.parse(json) as LogRecord, withStacks);
        write(hide(line));
      },
    },
  );
  const log =
    (at: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (fields === undefined) {
        lines[at](message);
      } else {
        lines[at](plainFields(fields), message);
      }
    };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
};

const hiding = (secrets: readonly string[]): ((line: string) => string) => {
  const texts = secrets
    .filter(({ length }) => length >= SECRET_LENGTH_MIN)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  return (line) => texts.reduce((shown, secret) => shown.replaceAll(secret, HIDDEN_VALUE), line);
};

/** What a process says: its log, and what jobs print in it. */
export interface ProcessOutput {
  readonly logger: Logger;
  /** A line of `print()`. */
  readonly print: (line: string) => void;
  close(): void;
}

/** `name`: of the process, and of its file in `env.log.dir`. */
export const openProcessOutput = (configuration: Configuration, name: string): ProcessOutput => {
  const folder = configuration.get(processOptions.logFolder);
  const format = configuration.get(processOptions.logFormat);
  const level = configuration.get(processOptions.logLevel);
  const file = folder === undefined ? undefined : logFile(configuration, join(folder, `${fileName(name)}.log`), format);
  const toStdout = file === undefined || !configuration.get(processOptions.logFileOnly);
  const write = (line: string): void => {
    if (toStdout) {
      writeLineNow(1, line);
    }
    file?.write(line);
  };
  const secrets = configuration
    .entries()
    .filter(({ key }) => isSecret(key))
    .map(({ value }) => rawText(value));
  const logger = processLogger({ level, format, process: name, secrets, write });
  const printed = (line: string): string => JSON.stringify({ level: 'print', time: now(), process: name, msg: line });
  return {
    logger,
    print: format === 'json' ? (line) => write(printed(line)) : write,
    close: () => file?.close(),
  };
};

const fileName = (name: string): string => name.replaceAll(/[^\w.-]/g, '_');

const now = (): string => new Date(systemClock.now()).toISOString();

/** By the limits of the configuration. */
const logFile = (configuration: Configuration, path: string, format: LogFormat): RotatingFile =>
  new RotatingFile({
    path,
    maxBytes: configuration.get(processOptions.logMaxSize),
    maxFiles: configuration.get(processOptions.logMaxFiles),
    lostNotice: (count, reason) => {
      const msg = `${count} ${count === 1 ? 'line is' : 'lines are'} missing here, they could not be written: ${reason}`;
      const record: LogRecord = { level: 'warn', time: now(), msg };
      return format === 'json' ? JSON.stringify(record) : prettyLine(record, false);
    },
  });

/** How often a pipe whose reader is slow is tried again before a line is given up. */
const ATTEMPTS = 50;
const PAUSE_MS = 1;

/** Written when it returns, not thrown: neither a full disk nor a reader that went away ends a process. */
const writeLineNow = (fd: number, line: string): void => {
  const bytes = Buffer.from(`${line}\n`, 'utf8');
  let written = 0;
  for (let attempt = 0; written < bytes.length && attempt < ATTEMPTS;) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (thrown) {
      if (codeOf(thrown) !== 'EAGAIN') {
        return;
      }
      attempt++;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
};
