const DEPTH = 4;
const SAMPLED_ITEMS = 8;

/** About how many bytes a record takes when encoded; looks at a few items and levels only. */
export const roughSizeBytes = (value: unknown, depth = DEPTH): number => {
  switch (typeof value) {
    case 'string':
      return value.length + 2;
    case 'object':
      return value === null ? 1 : objectSize(value, depth);
    case 'bigint':
      return 16;
    default:
      return 8;
  }
};

const objectSize = (value: object, depth: number): number => {
  if (ArrayBuffer.isView(value)) {
    return value.byteLength;
  }
  if (depth === 0) {
    return 16;
  }
  if (Array.isArray(value)) {
    return 2 + sampled(value, value.length, depth);
  }
  if (value instanceof Map || value instanceof Set) {
    const items = [...value.values()].slice(0, SAMPLED_ITEMS);
    return 2 + 2 * sampled(items, value.size, depth);
  }
  let size = 2;
  for (const field of Object.values(value)) {
    size += roughSizeBytes(field, depth - 1);
  }
  return size;
};

const sampled = (items: readonly unknown[], count: number, depth: number): number => {
  const sample = Math.min(items.length, SAMPLED_ITEMS);
  let size = 0;
  for (let i = 0; i < sample; i++) {
    size += roughSizeBytes(items[i], depth - 1);
  }
  return sample === 0 ? 0 : (size / sample) * count;
};
