import { MillraceError } from './errors.ts';

/** What a size may be in code: bytes, or a number with a unit, such as `'64mb'`. A kilobyte is 1024 bytes, as in Flink. */
export type MemorySize = number | `${number}${'' | ' '}${MemoryUnit}`;

type MemoryUnit = 'b' | 'bytes' | 'k' | 'kb' | 'm' | 'mb' | 'g' | 'gb' | 't' | 'tb';

const UNITS: readonly { readonly bytes: number; readonly labels: readonly string[] }[] = [
  { bytes: 1024 ** 4, labels: ['tb', 't', 'tebibytes'] },
  { bytes: 1024 ** 3, labels: ['gb', 'g', 'gibibytes'] },
  { bytes: 1024 ** 2, labels: ['mb', 'm', 'mebibytes'] },
  { bytes: 1024, labels: ['kb', 'k', 'kibibytes'] },
  { bytes: 1, labels: ['bytes', 'b'] },
];

const BYTES_BY_LABEL: ReadonlyMap<string, number> = new Map(
  UNITS.flatMap(({ bytes, labels }) => labels.map((label) => [label, bytes] as const)),
);

/** What `parseMemorySize` takes, for messages. */
export const MEMORY_SIZE_SYNTAX =
  'a number of bytes or a number with a unit: b, kb, mb, gb, tb (such as 20 kb, 64mb, 1 gb)';

/**
 * Bytes, a whole number. `what` names the value in the error.
 *
 * Errors: BAD_OPTION when the text is no size, negative, or beyond 2^53 bytes.
 */
export const parseMemorySize = (value: number | string, what = 'the size'): number => {
  const bytes = typeof value === 'number' ? value : bytesOf(value);
  if (bytes === undefined || !Number.isSafeInteger(bytes) || bytes < 0) {
    const shown = typeof value === 'number' ? String(value) : JSON.stringify(value);
    throw new MillraceError('BAD_OPTION', `${what} is ${shown}; allowed: ${MEMORY_SIZE_SYNTAX}`);
  }
  return bytes;
};

const bytesOf = (text: string): number | undefined => {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/iu.exec(text);
  if (match === null) {
    return undefined;
  }
  const label = (match[2] ?? '').toLowerCase();
  const unitBytes = label === '' ? 1 : BYTES_BY_LABEL.get(label);
  return unitBytes === undefined ? undefined : Number(match[1]) * unitBytes;
};

/** The shortest exact text, in the largest unit that divides it: `64 mb`, `1536 kb`, `10 bytes`. */
export const formatMemorySize = (bytes: number): string => {
  const unit = bytes === 0 ? undefined : UNITS.find((candidate) => bytes % candidate.bytes === 0);
  return unit === undefined ? `${bytes} bytes` : `${bytes / unit.bytes} ${unit.labels[0]}`;
};
