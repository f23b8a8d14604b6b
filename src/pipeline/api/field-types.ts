/**
 * The fields of a record (not its methods), each with its name as its type: `FieldNames<T>[keyof T & string]` are the names of the fields.
 * Written out like that where users see it, since the compiler then lists the names in its messages.
 */
export type FieldNames<T> = {
  readonly [F in keyof T & string]-?: T[F] extends (...args: never) => unknown ? never : F;
};

/** The names of a record's fields. */
export type FieldOf<T> = FieldNames<T>[keyof T & string];

/** What sum, min and max work on. */
export type Numeric = number | bigint;

/** What minBy and maxBy compare. */
export type Comparable = number | bigint | string | Date;

/** As `FieldNames`, of the fields whose values are all of type `V`. */
type FieldNamesOfType<T, V> = { readonly [F in keyof T & string]-?: T[F] extends V ? F : never };

/** `F` where it is a field of type `V`; otherwise what the compiler shows in its place. */
type CheckedField<T, F extends FieldOf<T>, V, Sentence extends string> = T[F] extends V
  ? F
  : [FieldNamesOfType<T, V>[keyof T & string]] extends [never]
    ? Sentence
    : // A name that is no field at all was inferred as all fields.
      FieldOf<T> extends F
      ? FieldNamesOfType<T, V>[keyof T & string]
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
