import type { JuteReader } from './jute-reader.ts';
import { errorCodeOf } from './wire-codes.ts';
import { ZooKeeperError } from './zookeeper-error.ts';

export interface Reply {
  /** The newest transaction that the server had carried out. */
  readonly zxid: bigint;
  /** 0: none. */
  readonly error: number;
  readonly body: JuteReader;
}

/** One question to a server, and how its answer is read. */
export interface Request<T> {
  readonly op: number;
  /** For messages. */
  readonly name: string;
  /** Below the chroot. */
  readonly path: string | undefined;
  readonly body: Uint8Array;
  /** Just before it is sent: the last moment to change the body. */
  beforeSend?(): void;
  /** It was answered, though perhaps nobody waits any more; before `read`. */
  onAnswer?(): void;
  /**
   * Called while the frame is handled, so before events that come after it. Throws a `ZooKeeperError`, or `UnreadableError`. Not
   * called when the connection is lost.
   */
  read(reply: Reply): T;
}

/** The error of a reply that is one. */
export const refusal = (request: Pick<Request<unknown>, 'name' | 'path'>, error: number): ZooKeeperError => {
  const code = errorCodeOf(error);
  return new ZooKeeperError(code, request.name, request.path, code === 'PROTOCOL' ? `error ${error}` : undefined);
};

/** A request whose errors are all errors. */
export const request = <T>(
  op: number,
  name: string,
  path: string | undefined,
  body: Uint8Array,
  readBody: (body: JuteReader) => T,
): Request<T> => ({
  op,
  name,
  path,
  body,
  read: ({ error, body: answer }) => {
    if (error !== 0) {
      throw refusal({ name, path }, error);
    }
    return readBody(answer);
  },
});
