import { ZooKeeperError, type ZooKeeperErrorCode } from '../../coordination/zookeeper/client/zookeeper-error.ts';
import { messageOf } from '../../foundation/common/errors.ts';

/** An error as a message between threads carries it: there an error loses its class and its fields. */
export interface ErrorImage {
  /** `undefined`: it is none of the client's. */
  readonly code: ZooKeeperErrorCode | undefined;
  readonly path: string | undefined;
  readonly name: string;
  readonly message: string;
}

export const imageOf = (error: unknown): ErrorImage => ({
  code: error instanceof ZooKeeperError ? error.code : undefined,
  path: error instanceof ZooKeeperError ? error.path : undefined,
  name: error instanceof Error ? error.name : 'Error',
  message: messageOf(error),
});

export const errorOf = (image: ErrorImage): Error =>
  image.code === undefined ? otherErrorOf(image) : zooKeeperErrorOf({ ...image, code: image.code });

export const zooKeeperErrorOf = ({
  code,
  path,
  message,
}: ErrorImage & { readonly code: ZooKeeperErrorCode }): ZooKeeperError => {
  const error = new ZooKeeperError(code, '', path);
  error.message = message;
  // The first line of a stack is the message of the moment when it was taken.
  Error.captureStackTrace(error, zooKeeperErrorOf);
  return error;
};

const otherErrorOf = ({ name, message }: ErrorImage): Error => Object.assign(new Error(message), { name });
