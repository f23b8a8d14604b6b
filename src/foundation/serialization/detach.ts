/** Shorter substrings are copies already: V8 makes slices of 13 units and more only. */
const SHORTEST_SLICE = 13;

/**
 * A copy of a string that shares no memory with the string it was cut from. A decoded string may be a slice of all the
 * text of its batch and keep that alive; state holds on to strings for long and had better hold copies.
 *
 * How: a concatenation is written out into memory of its own when it is sliced, and the slice then points there.
 */
export const detachString = (text: string): string => (text.length < SHORTEST_SLICE ? text : (' ' + text).slice(1));

/**
 * Replaces the strings in `value` (fields and elements of plain objects, arrays, Maps and Sets, at any depth) by copies
 * that share no memory, see `detachString`. Works in place, as equal strings cannot be told apart, and returns `value`,
 * or the copy when `value` is a string. Frozen objects are left alone.
 *
 * `former` is what `value` replaces, detached already. Where both have the same string in the same place, that of `former`
 * is taken: to compare is several times cheaper than to copy, and what is kept by key mostly repeats its strings.
 */
export const detach = <T>(value: T, former?: unknown): T => detachAny(value, former, 0) as T;

const DEEPEST = 500;

const detachAny = (value: unknown, former: unknown, depth: number): unknown => {
  if (typeof value === 'string') {
    return value === former ? former : detachString(value);
  }
  if (typeof value === 'object' && value !== null && depth < DEEPEST) {
    detachInside(value, former, depth + 1);
  }
  return value;
};

const detachInside = (value: object, former: unknown, depth: number): void => {
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object that is part of what it replaces may have got new strings in place: it has no former self.
  const before =
    typeof former === 'object' && former !== null && former !== value && Object.getPrototypeOf(former) === prototype
      ? former
      : undefined;
  if (prototype === Object.prototype || prototype === null) {
    detachFields(value as Record<string, unknown>, before as Record<string, unknown> | undefined, depth);
  } else if (Array.isArray(value)) {
    detachItems(value, before as unknown[] | undefined, depth);
  } else if (prototype === Map.prototype) {
    detachMap(value as Map<unknown, unknown>, depth);
  } else if (prototype === Set.prototype) {
    detachSet(value as Set<unknown>, depth);
  }
};

const detachFields = (
  value: Record<string, unknown>,
  former: Record<string, unknown> | undefined,
  depth: number,
): void => {
  for (const name in value) {
    const item = value[name];
    if (typeof item === 'string') {
      if (item.length >= SHORTEST_SLICE) {
        const before = former?.[name];
        replaceField(value, name, item === before ? before : detachString(item));
      }
    } else if (typeof item === 'object' && item !== null && depth < DEEPEST) {
      detachInside(item, former?.[name], depth + 1);
    }
  }
};

/** Where the field can be written an assignment is several times as fast as `Reflect.set`; elsewhere it throws, slowly. */
const replaceField = (value: Record<string, unknown>, name: string, text: string): void => {
  if (!Object.isExtensible(value)) {
    Reflect.set(value, name, text);
    return;
  }
  try {
    value[name] = text;
  } catch {
    // A getter, or a field that is read-only: left alone, as what is frozen.
  }
};

const detachItems = (items: unknown[], former: unknown[] | undefined, depth: number): void => {
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item === 'string') {
      if (item.length >= SHORTEST_SLICE) {
        const before = former?.[i];
        Reflect.set(items, i, item === before ? before : detachString(item));
      }
    } else if (typeof item === 'object' && item !== null && depth < DEEPEST) {
      detachInside(item, former?.[i], depth + 1);
    }
  }
};

const detachMap = (map: Map<unknown, unknown>, depth: number): void => {
  let hasSlicedKey = false;
  for (const [key, item] of map) {
    if (typeof key === 'string' && key.length >= SHORTEST_SLICE) {
      hasSlicedKey = true;
    } else {
      detachAny(key, undefined, depth);
    }
    if (typeof item === 'string') {
      map.set(key, detachString(item));
    } else {
      detachAny(item, undefined, depth);
    }
  }
  if (hasSlicedKey) {
    const entries = [...map];
    map.clear();
    for (const [key, item] of entries) {
      map.set(typeof key === 'string' ? detachString(key) : key, item);
    }
  }
};

const detachSet = (set: Set<unknown>, depth: number): void => {
  const items = [...set];
  set.clear();
  for (const item of items) {
    set.add(detachAny(item, undefined, depth));
  }
};
