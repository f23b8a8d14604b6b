import { request as requestPlain, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestTls } from 'node:https';
import type { z } from 'zod';
import type { Clock, TimerHandle } from '../../../foundation/common/clock.ts';
import { codeOf, messageOf, MillraceError, type ErrorCode } from '../../../foundation/common/errors.ts';
import type { TlsIdentity } from '../../../foundation/security/tls-identity.ts';
import { NO_LEADER } from '../../rest/rest-error.ts';
import { errorsSchema } from '../../rest/schema/cluster-schema.ts';
import { WaitingNotice } from './waiting-notice.ts';

/** Answers are lists of jobs and plans; more than this is no answer of ours. */
const ANSWER_BYTES_MAX = 64 * 1_048_576;
/** So many pauses without an answer, then it is looked whether another JobManager leads meanwhile. */
const PAUSES_PER_LOOK = 4;

export interface RestClientOptions {
  /** Where a JobManager answers, such as `http://host:port`; asked again when one stops to. `undefined`: nobody leads now. */
  readonly findAddress: () => Promise<string | undefined>;
  /** The cluster, for messages. */
  readonly where: string;
  /** Completes "nobody leads": what says why, such as a command. */
  readonly reasonHint?: string;
  /** A JobManager that does not answer is replaced by another: worth waiting for from the first request. */
  readonly isHighlyAvailable: boolean;
  readonly token: string | undefined;
  readonly tls?: TlsIdentity | undefined;
  readonly clock: Clock;
  /** `rest.await-leader-timeout`. */
  readonly awaitLeaderMs: number;
  /** `rest.retry.delay`. */
  readonly retryDelayMs: number;
  /** `rest.connection-timeout`: without a sign of the server. */
  readonly timeoutMs: number;
  /** Where a person reads what a request waits for. */
  readonly say?: (line: string) => void;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * Asks a cluster. While its leader is replaced a request is repeated: each names what it is about (job id, trigger id), so that it
 * happens once. Errors: UNREACHABLE, JOB_NOT_FOUND, JOB_ENDED, BAD_OPTION (400, 401, 403), REMOTE_FAILED.
 */
export class RestClient {
  readonly #options: RestClientOptions;
  #address: string | undefined;
  #hasAnswered = false;

  constructor(options: RestClientOptions) {
    this.#options = options;
  }

  get where(): string {
    return this.#options.where;
  }

  async ask<T>(method: string, path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    const { clock, where, awaitLeaderMs, retryDelayMs, say } = this.#options;
    const deadline = clock.monotonic() + awaitLeaderMs;
    const notice = say && new WaitingNotice({ clock, where, forMs: awaitLeaderMs, say });
    try {
      for (;;) {
        try {
          return parse(await this.#askOnce(method, path, body), schema, method, path);
        } catch (thrown) {
          if (!this.#mayPass(thrown) || clock.monotonic() >= deadline) {
            throw isLeaderless(thrown) ? this.#nobodyLeads(thrown) : thrown;
          }
          this.#address = undefined;
          notice?.failed(messageOf(thrown));
        }
        await this.pause(retryDelayMs);
      }
    } finally {
      notice?.end();
    }
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(delayMs, resolve);
    });
  }

  #nobodyLeads(cause: unknown): MillraceError {
    const { where, awaitLeaderMs, reasonHint = 'the logs of its JobManagers say why' } = this.#options;
    const since = awaitLeaderMs < 1_000 ? '' : `, and nobody did for ${Math.round(awaitLeaderMs / 1_000)} s`;
    return new MillraceError('NOT_LEADER', `no JobManager leads ${where} right now${since}; ${reasonHint}`, {
      cause,
      retryable: true,
    });
  }

  #mayPass(thrown: unknown): boolean {
    return (
      thrown instanceof MillraceError &&
      thrown.retryable &&
      (codeOf(thrown) !== 'UNREACHABLE' || this.#options.isHighlyAvailable || this.#hasAnswered)
    );
  }

  async #askOnce(method: string, path: string, body: unknown): Promise<Answer> {
    const { findAddress } = this.#options;
    this.#address ??= await findAddress();
    if (this.#address === undefined) {
      throw new MillraceError('NOT_LEADER', NO_LEADER, { retryable: true });
    }
    const url = new URL(path, this.#address);
    try {
      const answer = await this.#send(method, url, body);
      this.#hasAnswered = true;
      return answer;
    } catch (error) {
      if (error instanceof MillraceError) {
        throw error;
      }
      throw new MillraceError(
        'UNREACHABLE',
        `no JobManager answers at ${this.#address} (${messageOf(error) || (codeOf(error) ?? '')}); is the cluster started, and is the address right?`,
        { cause: error, retryable: true },
      );
    }
  }

  /** A leader that is paused or cut off takes connections, and answers nobody. Returns what ends the watching. */
  #watchLeader(asked: URL, replaced: () => void): () => void {
    const { clock, retryDelayMs, findAddress, isHighlyAvailable } = this.#options;
    let isOver = !isHighlyAvailable;
    const lookAgain = (): void => {
      if (!isOver) {
        timer = clock.after(PAUSES_PER_LOOK * retryDelayMs, () => void look());
      }
    };
    const look = async (): Promise<void> => {
      const leader = await findAddress().catch(() => undefined);
      if (!isOver && leader !== undefined && new URL(leader).origin !== asked.origin) {
        replaced();
      } else {
        lookAgain();
      }
    };
    let timer: TimerHandle | undefined;
    lookAgain();
    return () => {
      isOver = true;
      timer?.cancel();
    };
  }

  #send(method: string, url: URL, body: unknown): Promise<Answer> {
    const { token, tls, timeoutMs } = this.#options;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const options: RequestOptions = {
      method,
      agent: false,
      timeout: timeoutMs,
      headers: {
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
      },
    };
    return new Promise((resolve, reject) => {
      const answered = (response: IncomingMessage): void => {
        readAnswer(response).then(resolve, reject);
      };
      const unwatch = this.#watchLeader(url, () => request.destroy(new Error('another JobManager leads meanwhile')));
      const request =
        url.protocol === 'https:'
          ? requestTls(url, { ...options, ...tlsOptions(tls) }, answered)
          : requestPlain(url, options, answered);
      request.on('error', reject);
      request.on('response', unwatch);
      request.on('close', unwatch);
      request.on('timeout', () => request.destroy(new Error(`nothing came within ${timeoutMs} ms`)));
      request.end(text);
    });
  }
}

/** As the HA store says, or a JobManager that does not lead either. */
const isLeaderless = (thrown: unknown): boolean => codeOf(thrown) === 'NOT_LEADER' && messageOf(thrown) === NO_LEADER;

const tlsOptions = (tls: TlsIdentity | undefined) =>
  tls === undefined ? {} : { key: tls.key, cert: tls.cert, ca: tls.ca };

const readAnswer = async (response: IncomingMessage): Promise<Answer> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > ANSWER_BYTES_MAX) {
      throw new MillraceError('PROTOCOL', `the answer has more than ${ANSWER_BYTES_MAX} bytes`);
    }
    parts.push(part);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') };
};

const CODE_OF: Readonly<Record<number, ErrorCode>> = {
  400: 'BAD_OPTION',
  401: 'BAD_OPTION',
  403: 'BAD_OPTION',
  404: 'JOB_NOT_FOUND',
  409: 'JOB_ENDED',
  413: 'MESSAGE_TOO_LARGE',
  423: 'JOB_SET_ASIDE',
  503: 'NOT_LEADER',
};

const parse = <T>({ status, text }: Answer, schema: z.ZodType<T>, method: string, path: string): T => {
  const value = jsonOf(text);
  if (status >= 400) {
    const errors = errorsSchema.safeParse(value);
    const message = errors.success ? errors.data.errors.join('\n') : `${method} ${path} was answered ${status}`;
    throw new MillraceError(CODE_OF[status] ?? 'REMOTE_FAILED', message, { retryable: status === 503 });
  }
  const parsed = schema.safeParse(value);
  if (status >= 300 || !parsed.success) {
    throw new MillraceError(
      'PROTOCOL',
      `the answer to ${method} ${path} (${status}) was not understood; is it a JobManager, of the same version?`,
      parsed.success ? {} : { cause: parsed.error },
    );
  }
  return parsed.data;
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
