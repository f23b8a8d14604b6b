import type { DataStream, Sink, StreamExecutionEnvironment } from 'millrace';

export interface Order {
  readonly customer: string;
  readonly product: string;
  readonly amount: number;
  readonly cents: bigint;
  readonly time: number;
  readonly coupon?: number;
}

export interface Refund {
  readonly customer: string;
  readonly reason: string;
}

export declare const env: StreamExecutionEnvironment;
export declare const orders: DataStream<Order>;
export declare const refunds: DataStream<Refund>;
export declare const numbers: DataStream<number>;
export declare const bigints: DataStream<bigint>;
export declare const words: DataStream<string>;
export declare const orderSink: Sink<Order>;
export declare const customerSink: Sink<{ readonly customer: string }>;
export declare const textSink: Sink<string>;
export declare const anySink: Sink<unknown>;

type Exactly<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;

/** Compiles where the records of the stream are exactly of type `T`. */
export declare const recordsAre: <T>() => <S>(
  stream: DataStream<S>,
  ...same: Exactly<S, T> extends true ? [] : [{ readonly records: S; readonly expected: T }]
) => void;

/** Compiles where the value is exactly of type `T`. */
export declare const typeIs: <T>() => <S>(
  value: S,
  ...same: Exactly<S, T> extends true ? [] : [{ readonly type: S; readonly expected: T }]
) => void;
