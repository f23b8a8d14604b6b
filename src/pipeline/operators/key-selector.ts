/** How a keyed stream finds the key of a record; both are the same, `field` is there where the key is one field. */
export interface KeySelector<T, K = unknown> {
  readonly keyOf: (value: T) => K;
  readonly field: string | undefined;
}

export const keySelector = <T, K>(key: string | ((value: T) => K)): KeySelector<T, K> =>
  typeof key === 'function'
    ? { keyOf: key, field: undefined }
    : { keyOf: fieldReader(key) as (value: T) => K, field: key };

/**
 * Reads one field. Generated, so that each field has its own call site: one shared `record[field]` would see every
 * shape and field of the job and be slow for all of them.
 */
export const fieldReader = (field: string): ((record: unknown) => unknown) =>
  new Function('record', `return record[${JSON.stringify(field)}];`) as (record: unknown) => unknown;

/** Copies a record with one field replaced; the record itself is never changed. */
export const fieldReplacer = (field: string): ((record: unknown, value: unknown) => unknown) => {
  // In a literal a quoted `__proto__` would set the prototype; computed it is a field.
  const name = field === '__proto__' ? '["__proto__"]' : JSON.stringify(field);
  return new Function('record', 'value', `return { ...record, ${name}: value };`) as (
    record: unknown,
    value: unknown,
  ) => unknown;
};

/** The key of streams that are not keyed: all records belong together. */
export const ALL_RECORDS: KeySelector<unknown, number> = { keyOf: () => 0, field: undefined };
