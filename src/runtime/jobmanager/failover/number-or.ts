/** What was counted, where it was. */
export const numberOr = (counted: unknown, otherwise: number): number =>
  typeof counted === 'number' ? counted : otherwise;
