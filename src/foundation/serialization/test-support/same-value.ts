import { isDeepStrictEqual } from 'node:util';

/** `isDeepStrictEqual`, for which two invalid dates are the same value: to that of Node 22 they are not. */
export const sameValue = (a: unknown, b: unknown): boolean => {
  const invalid = new Set([...invalidDatesIn(a), ...invalidDatesIn(b)]);
  for (const date of invalid) {
    date.setTime(0);
    Object.assign(date, { isInvalid: true });
  }
  try {
    return isDeepStrictEqual(a, b);
  } finally {
    for (const date of invalid) {
      date.setTime(Number.NaN);
      Reflect.deleteProperty(date, 'isInvalid');
    }
  }
};

const invalidDatesIn = (value: unknown, seen = new Set<unknown>()): Date[] => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) {
    return [];
  }
  seen.add(value);
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? [value] : [];
  }
  const parts: readonly unknown[] =
    value instanceof Map ? [...value].flat(1) : value instanceof Set ? [...value] : Object.values(value);
  return parts.flatMap((part) => invalidDatesIn(part, seen));
};
