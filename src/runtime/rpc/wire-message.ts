import { ByteReader } from '../../foundation/common/byte-reader.ts';
import { ByteWriter } from '../../foundation/common/byte-writer.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import { readBoundedValue } from '../../foundation/serialization/read-value.ts';
import { writeValue } from '../../foundation/serialization/write-value.ts';
import { beginFrame, endFrame } from './frame.ts';

/**
 * A message after the hellos: its kind in a byte, then
 *
 * | kind | |
 * |---|---|
 * | 1 `call` | id as a varint, method as a string, request as a value |
 * | 2 `send` | method as a string, request as a value |
 * | 3 `reply` | id, value |
 * | 4 `failure` | id, `ErrorInfo` as a value |
 * | 5 `farewell` | why the sender closes, as a string |
 *
 * Values are those of docs/formats/values.md, without its version: the version of the protocol covers them.
 */
export type WireMessage =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly value: unknown }
  | { readonly kind: 'send'; readonly method: string; readonly value: unknown }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'farewell'; readonly text: string };

const KIND = { call: 1, send: 2, reply: 3, failure: 4, farewell: 5 } as const;

/** A larger writer is not kept. */
const KEPT_BYTES_MAX = 256 * 1024;
/** Messages are not encoded inside each other, but for a getter of a value that sends: it gets a writer of its own. */
let idleWriter: ByteWriter | undefined = new ByteWriter(4096);

/** A frame. Errors: BAD_RECORD for a value that cannot travel, named by the method; MESSAGE_TOO_LARGE. */
export const encodeMessage = (message: WireMessage, payloadBytesMax: number): Uint8Array<ArrayBuffer> => {
  const writer = idleWriter ?? new ByteWriter();
  idleWriter = undefined;
  try {
    beginFrame(writer);
    write(writer, message);
    const frame = endFrame(writer);
    const payloadBytes = frame.length - 4;
    if (payloadBytes > payloadBytesMax) {
      throw new MillraceError(
        'MESSAGE_TOO_LARGE',
        `${nameOf(message)} takes ${payloadBytes} bytes, more than the ${payloadBytesMax} of pekko.framesize; ` +
          'set a larger one in all processes of the cluster',
      );
    }
    return frame;
  } finally {
    writer.reset();
    if (writer.capacity <= KEPT_BYTES_MAX) {
      idleWriter = writer;
    }
  }
};

const write = (writer: ByteWriter, message: WireMessage): void => {
  writer.u8(KIND[message.kind]);
  switch (message.kind) {
    case 'call':
      writer.varint(message.id);
      writer.string(message.method);
      return writeValue(writer, message.value, message.method);
    case 'send':
      writer.string(message.method);
      return writeValue(writer, message.value, message.method);
    case 'reply':
    case 'failure':
      writer.varint(message.id);
      return writeValue(writer, message.value, message.kind);
    case 'farewell':
      writer.string(message.text);
  }
};

/** Errors: CORRUPT_DATA, also for a value of more than `objectsMax` objects. */
export const decodeMessage = (payload: Uint8Array, objectsMax: number): WireMessage => {
  const reader = new ByteReader(payload);
  const message = read(reader, reader.u8(), objectsMax);
  return reader.remaining === 0 ? message : reader.corrupt(`${reader.remaining} bytes after the end of a message`);
};

const read = (reader: ByteReader, kind: number, objectsMax: number): WireMessage => {
  switch (kind) {
    case KIND.call:
      return {
        kind: 'call',
        id: reader.varint(),
        method: reader.string(),
        value: readBoundedValue(reader, objectsMax),
      };
    case KIND.send:
      return { kind: 'send', method: reader.string(), value: readBoundedValue(reader, objectsMax) };
    case KIND.reply:
      return { kind: 'reply', id: reader.varint(), value: readBoundedValue(reader, objectsMax) };
    case KIND.failure:
      return { kind: 'failure', id: reader.varint(), value: readBoundedValue(reader, objectsMax) };
    case KIND.farewell:
      return { kind: 'farewell', text: reader.string() };
    default:
      return reader.corrupt(`a message of kind ${kind}`);
  }
};

const nameOf = (message: WireMessage): string =>
  'method' in message ? `a message to '${message.method}'` : `a ${message.kind}`;
