/** One entry of an account. */
export interface Booking {
  readonly id: number;
  readonly account: number;
  readonly kind: string;
  readonly amount: number;
}

/** An account after a booking. */
export interface Statement {
  readonly account: number;
  readonly bookings: number;
  readonly balance: number;
  /** Ids of the last three bookings. */
  readonly latest: readonly number[];
  readonly kinds: readonly (readonly [kind: string, sum: number])[];
}

const KINDS = ['rent', 'food', 'books'] as const;

/** The same at each call. */
export const bookings = (count: number): Booking[] => {
  let state = 7;
  const random = (bound: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % bound;
  };
  return Array.from({ length: count }, (_, id) => ({
    id,
    account: random(40),
    kind: KINDS[random(KINDS.length)]!,
    amount: random(1000) - 300,
  }));
};
