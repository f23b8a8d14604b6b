export interface Order {
  readonly id: number;
  readonly customer: string;
  readonly product: string;
  readonly amount: number;
  /** A bigint, as amounts of money often are. */
  readonly cents: bigint;
  readonly time: number;
}

export const CUSTOMERS = ['ann', 'bob', 'cyd', 'dee', 'eve', 'fay', 'gus'] as const;
const PRODUCTS = ['apple', 'bread', 'chalk'] as const;

/** How much earlier than one before it the time of an order may be. */
export const OUT_OF_ORDER_MS = 300;

const createOrders = (count: number): Order[] => {
  let state = 11;
  const random = (bound: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % bound;
  };
  return Array.from({ length: count }, (_, id) => {
    const amount = random(500) - 50;
    return {
      id,
      customer: CUSTOMERS[random(CUSTOMERS.length)]!,
      product: PRODUCTS[random(PRODUCTS.length)]!,
      amount,
      cents: BigInt(amount) * 100n,
      time: 1_000_000 + id * 100 + random(OUT_OF_ORDER_MS),
    };
  });
};

export const ORDERS: readonly Order[] = createOrders(240);

/** The orders of each customer, in order. */
export const byCustomer = (orders: readonly Order[] = ORDERS): ReadonlyMap<string, readonly Order[]> =>
  Map.groupBy(orders, ({ customer }) => customer);

/** For each order the orders of its customer up to it. */
export const upToEach = (): readonly (readonly [order: Order, soFar: readonly Order[]])[] =>
  ORDERS.map((order) => [order, ORDERS.filter(({ customer, id }) => customer === order.customer && id <= order.id)]);

export const sumOf = (orders: readonly Order[]): number => orders.reduce((sum, { amount }) => sum + amount, 0);

/** The first of those with the smallest, or largest, amount. */
export const extreme = (orders: readonly Order[], sign: 1 | -1): Order =>
  orders.reduce((best, order) => (sign * (order.amount - best.amount) < 0 ? order : best));
