import { MillraceError } from '../../foundation/common/errors.ts';
import { Handshake } from './handshake.ts';
import type { MessageLink } from './message-link.ts';
import type { RpcConnection } from './rpc-connection.ts';
import type { RpcContext } from './rpc-context.ts';
import { untyped, type RpcProtocol, type RpcService } from './rpc-protocol.ts';
import { RpcSession } from './rpc-session.ts';
import type { ConnectOptions } from './rpc-transport.ts';

/** What a transport does for `connect`: reaches the other process, then calls one of both, once. */
export type Dial = (opened: (link: MessageLink) => void, failed: (error: MillraceError) => void) => Dialling;

export interface Dialling {
  cancel(): void;
}

/** The connector's side, whatever the transport: the time limit, giving up, and the hellos. */
export const openConnection = <L extends RpcProtocol, R extends RpcProtocol>(
  to: string,
  service: RpcService<L, R>,
  context: RpcContext,
  options: ConnectOptions,
  dial: Dial,
): Promise<RpcConnection<R>> => {
  const { promise, resolve, reject } = Promise.withResolvers<RpcConnection<R>>();
  let handshake: Handshake<true> | undefined;
  const opened = (link: MessageLink): void => {
    handshake = new Handshake<true>('connector', {
      link,
      own: context.self(),
      judge: () => true,
      agreed: (peer) => resolve(new RpcSession(link, peer, untyped(service), context)),
      failed: reject,
    });
    handshake.start();
  };
  const dialling = dial(opened, reject);
  const abandon = (error: MillraceError): void => {
    if (handshake === undefined) {
      dialling.cancel();
      reject(error);
    } else {
      handshake.abandon(error);
    }
  };
  const timeoutMs = options.timeoutMs ?? context.limits.connectTimeoutMs;
  const timer = context.clock.after(timeoutMs, () => abandon(timeoutError(to, timeoutMs)));
  const onAbort = (): void => abandon(abortError(to));
  options.signal?.addEventListener('abort', onAbort);
  if (options.signal?.aborted === true) {
    onAbort();
  }
  return promise.finally(() => {
    timer.cancel();
    options.signal?.removeEventListener('abort', onAbort);
  });
};

const timeoutError = (to: string, timeoutMs: number): MillraceError =>
  new MillraceError(
    'TIMEOUT',
    `no connection to ${to} within ${timeoutMs} ms (pekko.tcp.timeout where no other is set): the host or its network ` +
      'does not answer, or the process there is stuck',
    { retryable: true },
  );

const abortError = (to: string): MillraceError =>
  new MillraceError('CONNECTION_LOST', `connecting to ${to} was given up`, { retryable: true });

/** The host says that nothing listens there: whoever did has ended. */
export const unreachable = (to: string, reason: string, cause?: unknown): MillraceError =>
  new MillraceError('UNREACHABLE', `no process is reached at ${to}: ${reason}`, { cause, retryable: true });

/** Neither the process nor its host has answered: that says nothing about the process. */
export const notReached = (to: string, reason: string, cause?: unknown): MillraceError =>
  new MillraceError('CONNECTION_LOST', `no process is reached at ${to}: ${reason}`, { cause, retryable: true });
