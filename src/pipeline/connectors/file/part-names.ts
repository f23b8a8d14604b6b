import { parseTransactionName, transactionName, type TransactionName } from '../transaction-name.ts';

/** How the parts of one sink are called once they are committed: `<prefix>-<subtask>-<sequence><suffix>`. */
export interface PartNaming {
  readonly prefix: string;
  readonly suffix: string;
}

const SEQUENCE_DIGITS = 10;

/** Names of one subtask sort in the order they were written. */
export const finalName = (naming: PartNaming, subtask: number, sequence: number): string =>
  `${naming.prefix}-${subtask}-${String(sequence).padStart(SEQUENCE_DIGITS, '0')}${naming.suffix}`;

/** The sequence number of a committed part of that subtask. */
export const sequenceOf = (naming: PartNaming, subtask: number, name: string): number | undefined => {
  const start = `${naming.prefix}-${subtask}-`;
  if (!name.startsWith(start) || !name.endsWith(naming.suffix)) {
    return undefined;
  }
  const digits = name.slice(start.length, name.length - naming.suffix.length);
  return /^\d+$/.test(digits) ? Number(digits) : undefined;
};

/** Hidden, as anything that starts with a dot: no reader takes a part that is not committed. */
export const hiddenName = (parts: TransactionName, stage: 'inprogress' | 'pending'): string =>
  `.part-${transactionName(parts)}.${stage}`;

/** The transaction-like name in that of a hidden part; `undefined` for any other file. */
export const nameInHidden = (fileName: string): string | undefined => {
  const name = /^\.part-(.+)\.(?:inprogress|pending)$/.exec(fileName)?.[1];
  return name === undefined || parseTransactionName(name) === undefined ? undefined : name;
};
