import { ByteReader } from '../../foundation/common/byte-reader.ts';
import { ByteWriter } from '../../foundation/common/byte-writer.ts';

/** What a consumer says to open a channel. */
export interface ChannelHello {
  /** Names both attempts, with their generations (I10). */
  readonly key: string;
  /** Batches that may be under way. */
  readonly credit: number;
}

const LONGEST_KEY_BYTES = 4096;
const MOST_CREDIT = 1_000_000;

export const encodeChannelHello = ({ key, credit }: ChannelHello): Uint8Array<ArrayBuffer> => {
  const writer = new ByteWriter();
  writer.u32(credit);
  writer.string(key);
  return writer.take();
};

/** Throws CORRUPT_DATA. */
export const decodeChannelHello = (payload: Uint8Array): ChannelHello => {
  const reader = new ByteReader(payload);
  const credit = reader.u32();
  if (credit === 0 || credit > MOST_CREDIT || payload.byteLength > LONGEST_KEY_BYTES) {
    reader.corrupt(`a channel cannot begin with a credit of ${credit} and a hello of ${payload.byteLength} bytes`);
  }
  const key = reader.string();
  return reader.remaining === 0 ? { key, credit } : reader.corrupt('bytes behind the hello of a channel');
};

export const encodeCredit = (credit: number): Uint8Array<ArrayBuffer> => {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, credit, true);
  return payload;
};

/** Throws CORRUPT_DATA. */
export const decodeCredit = (payload: Uint8Array): number => {
  const reader = new ByteReader(payload);
  const credit = reader.u32();
  return reader.remaining === 0 ? credit : reader.corrupt('bytes behind a credit');
};
