/** How the values of a column are stored in a batch: its first byte. docs/formats/batches.md describes the bytes. */
export const PACKING = {
  /** As they are: doubles, or one byte each. */
  raw: 0,
  /** All the same: one value. */
  constant: 1,
  /** The smallest value, then what each is above it in 1, 2 or 4 bytes. */
  offset8: 2,
  offset16: 3,
  offset32: 4,
  /** The first value, then what each is above the one before in 1, 2 or 4 bytes. */
  delta8: 5,
  delta16: 6,
  delta32: 7,
  /** One bit each. */
  bits: 8,
} as const;

/** Added to the packing of numbers when all are 32-bit integers and none is -0. */
export const INTEGRAL = 0x10;

/** Codes of null and undefined among the bytes of booleans, presences and nulls. */
export const NULL_BYTE = 2;
export const UNDEFINED_BYTE = 3;
/** Codes of null and undefined among the codes of strings and lengths of lists; others are shifted by `FIRST_CODE`. */
export const NULL_CODE = 0;
export const UNDEFINED_CODE = 1;
export const FIRST_CODE = 2;

/** How a column of strings is stored in one batch. */
export const STRINGS = {
  /** Lengths; the characters are in the text of the batch. */
  plain: 0,
  /** Numbers of words in the dictionary of the channel, after the new words of this batch. */
  dictionary: 1,
  /** The same with a dictionary that begins with this batch. */
  newDictionary: 2,
} as const;

export const BATCH_FORMAT_VERSION = 1;
/** Records in one batch, at most. */
export const MOST_RECORDS = 1_048_576;
/** Version, sequence, flags, encoding of the text; start, bytes and UTF-16 units of the text. */
export const BATCH_HEADER_BYTES = 16;
/** Free bytes after the text, which tell an encoder that all of it went in. */
export const TEXT_SLACK_BYTES = 4;

export const FLAG = {
  /** The sender begins anew: no shape or dictionary of before is valid. */
  reset: 1,
  /** Shapes come or go. */
  shapes: 2,
  /** Records of more than one shape: runs follow. */
  runs: 4,
  timestamps: 8,
} as const;

export const TEXT = { none: 0, ascii: 1, utf8: 2, utf16: 3 } as const;

/** Columns are read and written as native words. */
export const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
