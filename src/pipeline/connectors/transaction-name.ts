import { compareGenerations, type Generation } from '../../foundation/common/ids.ts';

/** The parts of `<job id>-<sink id>-<subtask>-<generation>-<counter>`, the name of a transaction (R3). */
export interface TransactionName {
  readonly jobId: string;
  readonly sinkId: string;
  readonly subtask: number;
  /** `epoch.number`. */
  readonly generation: string;
  readonly counter: number;
}

export const transactionName = (parts: TransactionName): string =>
  `${parts.jobId}-${parts.sinkId}-${parts.subtask}-${parts.generation}-${parts.counter}`;

const PATTERN = /^(.+)-([^-]+)-(\d+)-(\d+\.\d+)-(\d+)$/;

/** `undefined` for anything that is not such a name. */
export const parseTransactionName = (name: string): TransactionName | undefined => {
  const match = PATTERN.exec(name);
  if (match === null) {
    return undefined;
  }
  const [, jobId = '', sinkId = '', subtask, generation = '', counter] = match;
  return { jobId, sinkId, subtask: Number(subtask), generation, counter: Number(counter) };
};

export const parseGeneration = (text: string): Generation => {
  const [epoch, number] = text.split('.');
  return { epoch: Number(epoch), number: Number(number) };
};

/** Whether generation `a` (`epoch.number`) came before `b`. */
export const isEarlierGeneration = (a: string, b: string): boolean =>
  compareGenerations(parseGeneration(a), parseGeneration(b)) < 0;
