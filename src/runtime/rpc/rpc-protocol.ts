import type { z } from 'zod';
import type { RpcConnection } from './rpc-connection.ts';

/** A method that is answered. What arrives is checked against the schemas, on both sides. */
export interface CallMethod<Q extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  readonly kind: 'call';
  readonly request: Q;
  readonly reply: R;
}

/** A method that is not answered. */
export interface SendMethod<Q extends z.ZodType = z.ZodType> {
  readonly kind: 'send';
  readonly request: Q;
}

/** The methods that one kind of process serves, by name. */
export type RpcProtocol = Readonly<Record<string, CallMethod | SendMethod>>;

export const callMethod = <Q extends z.ZodType, R extends z.ZodType>(request: Q, reply: R): CallMethod<Q, R> => ({
  kind: 'call',
  request,
  reply,
});

export const sendMethod = <Q extends z.ZodType>(request: Q): SendMethod<Q> => ({ kind: 'send', request });

export type CallName<P extends RpcProtocol> = {
  [M in keyof P & string]: P[M] extends CallMethod ? M : never;
}[keyof P & string];

export type SendName<P extends RpcProtocol> = {
  [M in keyof P & string]: P[M] extends SendMethod ? M : never;
}[keyof P & string];

export type RequestOf<P extends RpcProtocol, M extends keyof P> = z.infer<P[M]['request']>;

export type ReplyOf<P extends RpcProtocol, M extends keyof P> =
  P[M] extends CallMethod<infer _Q, infer R> ? z.infer<R> : never;

/**
 * What one side does for the other. Handlers run in the order in which messages were sent, each up to its first `await`
 * (R15). An error that the handler of a call throws is the answer; one of a one-way message closes the connection, for
 * what came in vain is missing in the order.
 */
export type RpcHandlers<L extends RpcProtocol, R extends RpcProtocol> = {
  readonly [M in keyof L]: L[M] extends CallMethod
    ? (request: RequestOf<L, M>, connection: RpcConnection<R>) => ReplyOf<L, M> | Promise<ReplyOf<L, M>>
    : (request: RequestOf<L, M>, connection: RpcConnection<R>) => void;
};

/** Both directions of a connection, as one of its sides sees it. */
export interface RpcService<L extends RpcProtocol = RpcProtocol, R extends RpcProtocol = RpcProtocol> {
  /** What this side serves. */
  readonly serves: L;
  readonly handlers: RpcHandlers<L, R>;
  /** What the other side serves. */
  readonly calls: R;
}

/** A service whose methods only its schemas know. */
export interface UntypedService {
  readonly serves: RpcProtocol;
  readonly handlers: Readonly<Record<string, (request: unknown, connection: RpcConnection) => unknown>>;
  readonly calls: RpcProtocol;
}

export const untyped = <L extends RpcProtocol, R extends RpcProtocol>(service: RpcService<L, R>): UntypedService =>
  service as unknown as UntypedService;
