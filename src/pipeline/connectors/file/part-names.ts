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
const hiddenStart = '.part-';

/** What a part is called until it is committed, without its stage. */
export const hiddenName = (parts: TransactionName): string => `${hiddenStart}${transactionName(parts)}`;

export const inProgress = (hidden: string): string => `${hidden}.inprogress`;
export const pending = (hidden: string): string => `${hidden}.pending`;

/** Takes the name of a hidden file apart; `undefined` for any other file. */
export const parseHidden = (fileName: string): { readonly hidden: string; readonly name: string } | undefined => {
  const match = /^(\.part-(.+))\.(?:inprogress|pending)$/.exec(fileName);
  const [, hidden = '', name = ''] = match ?? [];
  return parseTransactionName(name) === undefined ? undefined : { hidden, name };
};

export const jobOfHidden = (hidden: string): string | undefined =>
  parseTransactionName(hidden.slice(hiddenStart.length))?.jobId;
