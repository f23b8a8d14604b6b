import type { Key } from '../keyed-state.ts';

/** The key that the states of users speak of, one for all states of a backend. */
export interface CurrentKey {
  key: Key;
}
