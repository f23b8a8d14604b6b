import { UnreadableError, type JuteReader } from './jute-reader.ts';
import { JuteWriter } from './jute-writer.ts';
import { OP } from './wire-codes.ts';

/*
 * Several operations in one request, each as { int type, bool done = false, int error = -1 } and what it would have alone; at the end
 * { -1, true, -1 }. The answer is the same with results, an error as type -1 and its number.
 */

export interface Part {
  readonly op: number;
  readonly body: Uint8Array;
}

export const encodeParts = (parts: readonly Part[]): Uint8Array => {
  const header = (type: number, isDone: boolean): Uint8Array => new JuteWriter(9).int(type).bool(isDone).int(-1).take();
  return Buffer.concat([...parts.flatMap(({ op, body }) => [header(op, false), body]), header(OP.error, true)]);
};

/** `read` gets the type of a result, `failed` the number of an error, which may be 0. No more than `count` of them. */
export const readParts = <T>(
  reader: JuteReader,
  count: number,
  read: (type: number) => T,
  failed: (error: number) => T,
): readonly T[] => {
  const found: T[] = [];
  for (;;) {
    const type = reader.int();
    const isDone = reader.bool();
    reader.int();
    if (isDone) {
      return found;
    }
    if (found.length === count) {
      throw new UnreadableError(`more results than the ${count} operations have`);
    }
    found.push(type === OP.error ? failed(reader.int()) : read(type));
  }
};
