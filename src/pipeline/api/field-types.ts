/** The names of a record's fields. */
export type FieldOf<T> = Extract<keyof T, string>;

/** What sum, min and max work on. */
export type Numeric = number | bigint;

/** What minBy and maxBy compare. */
export type Comparable = number | bigint | string | Date;

/** The fields of `T` whose values are all of type `V`. */
export type FieldsOfType<T, V> = { [F in FieldOf<T>]: T[F] extends V ? F : never }[FieldOf<T>];

/** `F` where it is a field of type `V`; otherwise what the compiler shows in its place. */
type CheckedField<T, F extends FieldOf<T>, V, Sentence extends string> = T[F] extends V
  ? F
  : [FieldsOfType<T, V>] extends [never]
    ? Sentence
    : // A name that is no field at all was inferred as all fields.
      FieldOf<T> extends F
      ? FieldsOfType<T, V>
      : Sentence;

/**
 * The arguments of sum, min and max: none on a stream of plain numbers or bigints, a numeric field on a stream of
 * records.
 */
export type NumericArgument<T, F extends FieldOf<T>, Operation extends string> = [T] extends [Numeric]
  ? []
  : [field: CheckedField<T, F, Numeric, `${Operation}() needs a field of numbers or bigints, and '${F}' is not one`>];

/** The argument of minBy and maxBy. */
export type ComparableField<T, F extends FieldOf<T>, Operation extends string> = CheckedField<
  T,
  F,
  Comparable,
  `${Operation}() needs a field of numbers, bigints, strings or dates, and '${F}' is not one`
>;

/** What has no stable content: two of them are never the same key. */
type Unkeyable =
  | PromiseLike<unknown>
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ((...args: never) => unknown)
  | symbol;

/** What `keyBy` takes: the name of a field, or a function from the record to its key. */
export type KeyArgument<T> = FieldOf<T> | ((value: T) => unknown);

/** The type of the key that an argument of `keyBy` selects. */
export type KeyOf<T, S> = S extends (value: never) => infer K ? K : S extends keyof T ? T[S] : never;

/** `S` where it selects something that can be a key; otherwise what the compiler shows in its place. */
export type CheckedKey<T, S> =
  Extract<KeyOf<T, S>, PromiseLike<unknown>> extends never
    ? Extract<KeyOf<T, S>, Unkeyable> extends never
      ? S
      : 'a key is a string, number, bigint, boolean, date, or an array or plain object of those'
    : 'a key selector is synchronous: compute the key with asyncMap() first';

/** The result of a function that must not return a promise; otherwise what the compiler shows in its place. */
export type Immediate<R, Operation extends string> =
  Extract<R, PromiseLike<unknown>> extends never
    ? R
    : `${Operation}() takes synchronous functions: use asyncMap() for one that returns a promise`;

/** The type of the results where the compiler cannot find it out; collecting anything else shows the sentence. */
export type Unstated = 'say what comes out: .process<Out>(...), or declare the type of the collector';
