import { describeOperation, type Operation } from './history.ts';

/*
 * What an ensemble promises of all its registers together, told by the transactions that its answers name: transactions go with the time
 * of those who made them, each is one write, and a session never sees less than it has seen, its own writes included. Reads that are not
 * fresh may see the past, and have to keep to this.
 */

interface Write {
  readonly register: string;
  readonly value: string;
  readonly version: number;
}

/** Sentences about what is wrong, none where all is well. */
export const checkSessions = (history: readonly Operation[]): readonly string[] => [
  ...wrongTransactions(history),
  ...wrongOrder(history),
  ...[...Map.groupBy(history, ({ client }) => client).values()].flatMap((operations) =>
    wrongViews(operations, history),
  ),
];

/** The write that an answer tells of, if it does. */
const writeOf = ({ register, call, outcome }: Operation): (Write & { readonly transaction: bigint }) | undefined => {
  if (outcome.kind === 'value') {
    return { register, value: outcome.value, version: outcome.version, transaction: outcome.changedIn };
  }
  return outcome.kind === 'written' && 'value' in call
    ? { register, value: call.value, version: outcome.version, transaction: outcome.changedIn }
    : undefined;
};

/** A transaction that is two writes, a value that nobody wrote, or that was read before anybody asked for it. */
const wrongTransactions = (history: readonly Operation[]): readonly string[] => {
  const writes = new Map<bigint, Write>();
  const askedAt = new Map<string, number>();
  for (const { register, call, outcome, invokedAt } of history) {
    if ('value' in call && outcome.kind !== 'denied') {
      const name = JSON.stringify([register, call.value]);
      askedAt.set(name, Math.min(invokedAt, askedAt.get(name) ?? Infinity));
    }
  }
  return history.flatMap((operation) => {
    const write = writeOf(operation);
    if (write === undefined) {
      return [];
    }
    const { transaction, register, value, version } = write;
    const known = writes.get(transaction);
    writes.set(transaction, known ?? write);
    if (known !== undefined && (known.register !== register || known.value !== value || known.version !== version)) {
      return [`${describeOperation(operation)}: its transaction was "${known.value}" in version ${known.version}`];
    }
    return (askedAt.get(JSON.stringify([register, value])) ?? Infinity) < operation.returnedAt
      ? []
      : [`${describeOperation(operation)}: nobody had asked for that value`];
  });
};

/** A write that was answered before another was asked for, in a later transaction. */
const wrongOrder = (history: readonly Operation[]): readonly string[] => {
  const writes = history.filter(({ outcome }) => outcome.kind === 'written');
  const inOrder = writes.toSorted((a, b) => Number(writeOf(a)!.transaction - writeOf(b)!.transaction));
  let newest: Operation | undefined;
  return inOrder.flatMap((write) => {
    if (newest !== undefined && write.returnedAt < newest.invokedAt) {
      return [`${describeOperation(write)}: in a later transaction than ${describeOperation(newest)}`];
    }
    newest = newest === undefined || write.invokedAt > newest.invokedAt ? write : newest;
    return [];
  });
};

/** Answers to one session that are older than what it was told before. */
const wrongViews = (session: readonly Operation[], history: readonly Operation[]): readonly string[] => {
  const transactions = transactionsOf(history);
  const deleted = new Set(history.filter(({ call }) => call.kind === 'delete').map(({ register }) => register));
  let floor = 0n;
  return session
    .toSorted((a, b) => a.invokedAt - b.invokedAt)
    .flatMap((operation) => {
      const { register, outcome } = operation;
      const known = transactions.get(register) ?? [];
      const { transaction = 0n } = writeOf(operation) ?? {};
      const seenBefore = floor;
      floor = transaction > floor ? transaction : floor;
      const isOld =
        outcome.kind === 'written'
          ? transaction <= seenBefore
          : outcome.kind === 'value'
            ? isBetween(known, transaction, seenBefore)
            : outcome.kind === 'absent' && !deleted.has(register) && isBetween(known, -1n, seenBefore);
      return isOld ? [`${describeOperation(operation)}: the session had seen transaction ${seenBefore} before`] : [];
    });
};

/** Ascending, by register. */
const transactionsOf = (history: readonly Operation[]): ReadonlyMap<string, readonly bigint[]> => {
  const found = new Map<string, Set<bigint>>();
  for (const operation of history) {
    const write = writeOf(operation);
    if (write !== undefined) {
      found.set(write.register, (found.get(write.register) ?? new Set()).add(write.transaction));
    }
  }
  return new Map(
    [...found].map(([register, transactions]) => [
      register,
      [...transactions].toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
    ]),
  );
};

/** Whether one of these, which ascend, is above `above` and not above `upTo`. */
const isBetween = (ascending: readonly bigint[], above: bigint, upTo: bigint): boolean => {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! > above) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low < ascending.length && ascending[low]! <= upTo;
};
