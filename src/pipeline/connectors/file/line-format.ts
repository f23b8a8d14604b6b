/** How the records of a kind of file look. */
export interface LineFormat<T> {
  /** Line ends inside quotes belong to the record, so that only who reads from the start knows where records begin. */
  readonly quotedLineEnds: boolean;
  /** The first record is no data; the decoder gets it. */
  readonly hasHeader: boolean;
  /** Of one file. The decoder throws an error that says what is wrong; `undefined` leaves the line out. */
  decoder(header: string | undefined): (text: string) => Decoded<T> | undefined;
}

/** A record in a box, because `undefined` and `null` may be records. */
export interface Decoded<T> {
  readonly record: T;
}

const LINE_END = 10;
const CARRIAGE_RETURN = 13;
const QUOTE = 34;

/**
 * Where the record that starts at `from` ends: the index of its line end, -1 when `bytes` do not reach that far. `scanned`
 * says up to where earlier calls found none.
 */
export const recordEnd = (bytes: Buffer, from: number, scanned: number, quotedLineEnds: boolean): number => {
  let end = bytes.indexOf(LINE_END, Math.max(from, scanned));
  if (!quotedLineEnds) {
    return end;
  }
  // An odd number of quotes so far means that the line end is inside of one; a doubled quote does not change that.
  let quotes = countQuotes(bytes, from, end < 0 ? bytes.length : end);
  while (end >= 0 && quotes % 2 === 1) {
    const next = bytes.indexOf(LINE_END, end + 1);
    quotes += countQuotes(bytes, end + 1, next < 0 ? bytes.length : next);
    end = next;
  }
  return end;
};

const countQuotes = (bytes: Buffer, from: number, to: number): number => {
  const part = bytes.subarray(from, to);
  let count = 0;
  for (let at = part.indexOf(QUOTE); at >= 0; at = part.indexOf(QUOTE, at + 1)) {
    count++;
  }
  return count;
};

/** The text of a record, `end` being its line end or the end of the file. */
export const recordText = (bytes: Buffer, from: number, end: number): string =>
  bytes.toString('utf8', from, end > from && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end);

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** How many bytes the byte order mark at the start of a file takes. */
export const markLength = (start: Buffer): number =>
  BYTE_ORDER_MARK.every((byte, index) => start[index] === byte) ? BYTE_ORDER_MARK.length : 0;
