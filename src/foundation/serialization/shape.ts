/**
 * What records of a stream look like. Every leaf also takes null and undefined. `nothing`: null and undefined only;
 * `any`: whatever the value codec takes.
 */
export type ShapeNode =
  | { readonly kind: LeafKind }
  | {
      readonly kind: 'object';
      /** Whether null and undefined occur in its place. */
      readonly nullable: boolean;
      /** In the order in which an object lists them. */
      readonly names: readonly string[];
      readonly items: readonly ShapeNode[];
    }
  | { readonly kind: 'tuple'; readonly nullable: boolean; readonly items: readonly ShapeNode[] }
  | { readonly kind: 'list'; readonly item: ShapeNode };

export const LEAF_KINDS = ['number', 'date', 'string', 'boolean', 'bigint', 'nothing', 'any'] as const;
export type LeafKind = (typeof LEAF_KINDS)[number];

/** Objects with more fields are data with keys, not records with fields. */
export const MOST_FIELDS = 128;
/** Deeper values are `any`. */
export const DEEPEST_SHAPE = 12;
const LONGEST_TUPLE = 8;
/** How many elements of a list are looked at. */
const SAMPLED_ITEMS = 32;

const any: ShapeNode = { kind: 'any' };
const nothing: ShapeNode = { kind: 'nothing' };

/** The shape of one value. */
export const learnShape = (value: unknown, depth = 0): ShapeNode => {
  switch (typeof value) {
    case 'number':
    case 'string':
    case 'boolean':
      return { kind: typeof value } as ShapeNode;
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? { kind: 'bigint' } : any;
    case 'undefined':
      return nothing;
    case 'object':
      return value === null ? nothing : learnObject(value, depth);
    default:
      return any;
  }
};

const learnObject = (value: object, depth: number): ShapeNode => {
  if (depth >= DEEPEST_SHAPE) {
    return any;
  }
  if (Array.isArray(value)) {
    return learnArray(value, depth);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Date.prototype) {
    return { kind: 'date' };
  }
  if (prototype !== Object.prototype) {
    return any;
  }
  const names = Object.keys(value);
  return names.length > MOST_FIELDS
    ? any
    : {
        kind: 'object',
        nullable: false,
        names,
        items: names.map((name) => learnShape((value as Record<string, unknown>)[name], depth + 1)),
      };
};

/** A list when all elements have one shape, else a tuple when it is short. */
const learnArray = (value: readonly unknown[], depth: number): ShapeNode => {
  const sampled = Math.min(value.length, SAMPLED_ITEMS);
  const items: ShapeNode[] = [];
  for (let i = 0; i < sampled; i++) {
    items.push(i in value ? learnShape(value[i], depth + 1) : any);
  }
  let item: ShapeNode | undefined = nothing;
  for (const next of items) {
    item = item && mergeShapes(item, next);
  }
  if (item !== undefined && item.kind !== 'any') {
    return { kind: 'list', item };
  }
  return value.length <= LONGEST_TUPLE && items.length > 0 && Object.getPrototypeOf(value) === Array.prototype
    ? { kind: 'tuple', nullable: false, items }
    : any;
};

/**
 * The shape of values of both shapes. `strict` gives undefined when objects differ in their fields, which had better be
 * two shapes; otherwise what differs becomes `any`. The fields of the records themselves are always compared.
 */
export const mergeShapes = (a: ShapeNode, b: ShapeNode, strict = true): ShapeNode | undefined => {
  if (a.kind === 'nothing' || b.kind === 'nothing') {
    const other = a.kind === 'nothing' ? b : a;
    return other.kind === 'object' || other.kind === 'tuple' ? { ...other, nullable: true } : other;
  }
  if (a.kind === 'object' && b.kind === 'object') {
    return mergeObjects(a, b, strict);
  }
  if (a.kind === 'list' && b.kind === 'list') {
    const item = mergeShapes(a.item, b.item, false);
    return item === undefined ? any : { kind: 'list', item };
  }
  if (a.kind === 'tuple' && b.kind === 'tuple' && a.items.length === b.items.length) {
    const items = mergeItems(a.items, b.items, strict);
    return items && { kind: 'tuple', nullable: a.nullable || b.nullable, items };
  }
  return a.kind === b.kind && a.kind !== 'tuple' ? a : any;
};

type ObjectNode = Extract<ShapeNode, { kind: 'object' }>;

const mergeObjects = (a: ObjectNode, b: ObjectNode, strict: boolean): ShapeNode | undefined => {
  if (a.names.length !== b.names.length || a.names.some((name, i) => name !== b.names[i])) {
    return strict ? undefined : any;
  }
  const items = mergeItems(a.items, b.items, strict);
  return items && { kind: 'object', nullable: a.nullable || b.nullable, names: a.names, items };
};

const mergeItems = (a: readonly ShapeNode[], b: readonly ShapeNode[], strict: boolean): ShapeNode[] | undefined => {
  const merged: ShapeNode[] = [];
  for (const [i, item] of a.entries()) {
    const both = mergeShapes(item, b[i]!, strict);
    if (both === undefined) {
      return undefined;
    }
    merged.push(both);
  }
  return merged;
};

/** As `mergeShapes`, of whole records: gives undefined when they had better not share a shape. */
export const mergeRecords = (a: ShapeNode, b: ShapeNode, strict: boolean): ShapeNode | undefined => {
  if (a.kind !== b.kind) {
    return undefined;
  }
  const merged = mergeShapes(a, b, strict);
  return merged === undefined || merged.kind === 'any' ? undefined : merged;
};

/** What a decoder received as a shape; undefined when it is none. */
export const parseShape = (value: unknown, depth = 0): ShapeNode | undefined => {
  if (typeof value !== 'object' || value === null || depth > DEEPEST_SHAPE + 1) {
    return undefined;
  }
  const { kind, nullable, names, items, item } = value as Record<string, unknown>;
  if (kind === 'list') {
    const parsed = parseShape(item, depth + 1);
    return parsed && { kind, item: parsed };
  }
  if (kind !== 'object' && kind !== 'tuple') {
    return LEAF_KINDS.includes(kind as LeafKind) ? { kind: kind as LeafKind } : undefined;
  }
  if (typeof nullable !== 'boolean' || !Array.isArray(items) || items.length > MOST_FIELDS) {
    return undefined;
  }
  const parsed: ShapeNode[] = [];
  for (const each of items) {
    const node = parseShape(each, depth + 1);
    if (node === undefined) {
      return undefined;
    }
    parsed.push(node);
  }
  if (kind === 'tuple') {
    return { kind, nullable, items: parsed };
  }
  return Array.isArray(names) && names.length === items.length && names.every((name) => typeof name === 'string')
    ? { kind, nullable, names, items: parsed }
    : undefined;
};
