/**
 * Makes the `process` of one operator from its text, an arrow function that may speak of `names`.
 *
 * V8 learns what a call site calls, and a call site is a place in the source: one `this.#fn(value)` in a class is shared by
 * all operators of a thread, and slow for all of them once there are several. Code made anew for each operator has its
 * call sites to itself, so that the user's function and the next operator are inlined. The text is a constant of ours;
 * nothing of a user gets into it.
 */
export const ownProcess = (
  names: Readonly<Record<string, unknown>>,
  text: string,
): ((value: unknown, timestamp: number) => void) => {
  const create = new Function(...Object.keys(names), `'use strict'; return ${text};`);
  return create(...Object.values(names)) as (value: unknown, timestamp: number) => void;
};
