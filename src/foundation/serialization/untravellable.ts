import { MillraceError } from '../common/errors.ts';
import { BINARY_KINDS, DEEPEST_VALUE, isPlainPrototype } from './value-tags.ts';

/** Longer paths are cut in messages. */
const LONGEST_PATH = 120;

/**
 * The error for a value that an encoder refused: walks it once more to name the field, which encoders do not keep track
 * of. `name` stands for the value itself in the path.
 */
export const untravellable = (value: unknown, name: string): MillraceError =>
  new MillraceError('BAD_RECORD', findProblem(value, name, new Set()) ?? `${name} changed while it was encoded`);

const findProblem = (value: unknown, path: string, ancestors: Set<object>): string | undefined => {
  if (typeof value === 'function' || typeof value === 'symbol') {
    const article = typeof value === 'function' ? 'a function' : 'a symbol';
    return `${short(path)} is ${article}, which cannot be sent or stored; leave it out or send data that stands for it`;
  }
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  if (ancestors.has(value)) {
    return `${short(path)} refers back to an object that contains it; records cannot have cycles, refer to it by an id`;
  }
  if (ancestors.size >= DEEPEST_VALUE) {
    return `${short(path)} is nested deeper than ${DEEPEST_VALUE} levels; flatten the record (long linked lists: use an array)`;
  }
  ancestors.add(value);
  const problem = problemInside(value, path, ancestors);
  ancestors.delete(value);
  return problem;
};

const problemInside = (value: object, path: string, ancestors: Set<object>): string | undefined => {
  if (Array.isArray(value)) {
    return firstOf(value.entries(), ([index, item]) => findProblem(item, `${path}[${index}]`, ancestors));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Map.prototype) {
    return firstOf(
      value as Map<unknown, unknown>,
      ([key, item]) =>
        findProblem(key, `${path}.keys()[…]`, ancestors) ??
        findProblem(item, `${path}.get(${literal(key)})`, ancestors),
    );
  }
  if (prototype === Set.prototype) {
    return firstOf(value as Set<unknown>, (item) => findProblem(item, `${path}.values()[…]`, ancestors));
  }
  if (prototype === Date.prototype || prototype === RegExp.prototype || BINARY_KINDS.has(prototype)) {
    return undefined;
  }
  if (value instanceof Error) {
    return findProblem(value.cause, `${path}.cause`, ancestors) ?? problemInFields(value, path, ancestors);
  }
  if (prototype === null || isPlainPrototype(prototype)) {
    return problemInFields(value, path, ancestors);
  }
  return `${short(path)} is ${classOf(value)}, which cannot be sent or stored; use a plain object with its data instead`;
};

const problemInFields = (value: object, path: string, ancestors: Set<object>): string | undefined =>
  firstOf(Object.entries(value), ([field, item]) => findProblem(item, path + property(field), ancestors));

const firstOf = <T>(items: Iterable<T>, check: (item: T) => string | undefined): string | undefined => {
  for (const item of items) {
    const problem = check(item);
    if (problem !== undefined) {
      return problem;
    }
  }
  return undefined;
};

const property = (field: string): string =>
  /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(field) ? `.${field}` : `[${JSON.stringify(field)}]`;

const literal = (key: unknown): string => (typeof key === 'string' ? JSON.stringify(key) : short(String(key)));

const short = (path: string): string =>
  path.length <= LONGEST_PATH ? path : `${path.slice(0, LONGEST_PATH / 2)}…${path.slice(-LONGEST_PATH / 2)}`;

const classOf = (value: object): string => {
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an instance of a class';
};
