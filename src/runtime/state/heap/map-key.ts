import { canonicalKey } from '../../../foundation/common/key-hash.ts';

/** What no key of ours may begin with unescaped; a user's string that begins with it is escaped. */
const MARK = '\0';

/**
 * The key in a JavaScript `Map` that stands for `key`: primitives stand for themselves (-0 for 0), arrays and objects become one
 * string of their content. No two different keys give the same.
 */
export const mapKeyOf = (key: unknown): unknown => {
  if (typeof key === 'string') {
    return key.charCodeAt(0) === 0 ? `${MARK}s${key}` : key;
  }
  if (typeof key === 'object') {
    return key === null ? null : `${MARK}o${canonicalKey(key)}`;
  }
  return key === 0 ? 0 : key;
};
