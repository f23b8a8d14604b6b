import { ByteReader } from '../../../foundation/common/byte-reader.ts';
import { ByteWriter } from '../../../foundation/common/byte-writer.ts';
import { threadTitle } from '../../../foundation/common/data-location.ts';
import type { RemoteThread } from '../../../foundation/common/data-location.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';

/**
 * How a connection begins, before any frame (little endian). The consumer's side says hello, the producer's side answers.
 * Both messages start alike:
 *
 * | offset | size | field |
 * |---|---|---|
 * | 0 | 8 | `MILLDATA` |
 * | 8 | 2 | protocol version |
 * | 10 | 2 | length of the body |
 * | 12 | n | body |
 *
 * Body of a hello: cluster id, instance id and thread of the caller, instance id and thread of who is meant. Body of an
 * answer: 0 = accepted, 1 = refused, 2 = try again later; then why. A string is a varint length and UTF-8, a thread a u32.
 */
const MAGIC = Buffer.from('MILLDATA');
const PREFIX_BYTES = 12;
const MOST_BODY_BYTES = 2048;

/** Raised whenever frames or these messages change their meaning. */
export const DATA_PROTOCOL_VERSION = 1;

export interface ConnectionHello {
  readonly clusterId: string;
  readonly from: RemoteThread;
  readonly to: RemoteThread;
}

const verdicts = ['accepted', 'refused', 'busy'] as const;

export interface HelloAnswer {
  readonly verdict: (typeof verdicts)[number];
  readonly reason: string;
}

export const encodeHello = ({ clusterId, from, to }: ConnectionHello): Uint8Array =>
  message((body) => {
    body.string(clusterId);
    for (const { instanceId, thread } of [from, to]) {
      body.string(instanceId);
      body.u32(thread);
    }
  });

/** Throws CORRUPT_DATA. */
export const decodeHello = (body: Uint8Array): ConnectionHello => {
  const reader = new ByteReader(body);
  const hello = { clusterId: reader.string(), from: readThread(reader), to: readThread(reader) };
  return reader.remaining === 0 ? hello : reader.corrupt('bytes behind a hello');
};

export const encodeAnswer = ({ verdict, reason }: HelloAnswer): Uint8Array =>
  message((body) => {
    body.u8(verdicts.indexOf(verdict));
    body.string(reason.slice(0, 500));
  });

/** Throws CORRUPT_DATA. */
export const decodeAnswer = (body: Uint8Array): HelloAnswer => {
  const reader = new ByteReader(body);
  const verdict = verdicts[reader.u8()];
  return verdict === undefined
    ? reader.corrupt('an answer that is none')
    : { verdict, reason: reader.string().replaceAll(/\p{Cc}/gu, ' ') };
};

/** Why this thread does not talk to the caller; `undefined`: it does. */
export const objectionTo = (hello: ConnectionHello, clusterId: string, own: RemoteThread): string | undefined => {
  if (hello.clusterId !== clusterId) {
    return `it belongs to cluster ${clusterId}, not ${shown(hello.clusterId)}`;
  }
  const { instanceId, thread } = hello.to;
  if (instanceId !== own.instanceId || thread !== own.thread) {
    return `this is ${threadTitle(own)}, not ${shown(threadTitle(hello.to))}`;
  }
  return undefined;
};

/** Collects the first message of a connection, and what comes behind it. */
export class HelloReader {
  #bytes: Uint8Array = new Uint8Array(0);

  /** The body when it is complete. Throws CORRUPT_DATA as early as it can tell, PROTOCOL at another version. */
  push(bytes: Uint8Array): { readonly body: Uint8Array; readonly rest: Uint8Array } | undefined {
    const all = Buffer.concat([this.#bytes, bytes]);
    this.#bytes = all;
    const have = all.byteLength;
    const start = Math.min(have, MAGIC.byteLength);
    if (!MAGIC.subarray(0, start).equals(all.subarray(0, start))) {
      throw new MillraceError('CORRUPT_DATA', 'it does not speak the protocol of the data plane');
    }
    if (have < PREFIX_BYTES) {
      return undefined;
    }
    const reader = new ByteReader(all, MAGIC.byteLength);
    const version = reader.u16();
    const bodyBytes = reader.u16();
    if (version !== DATA_PROTOCOL_VERSION) {
      throw new MillraceError(
        'PROTOCOL',
        `it speaks version ${version} of the data plane's protocol, this process version ${DATA_PROTOCOL_VERSION}`,
      );
    }
    if (bodyBytes > MOST_BODY_BYTES) {
      throw new MillraceError('CORRUPT_DATA', `a hello of ${bodyBytes} bytes`);
    }
    const end = PREFIX_BYTES + bodyBytes;
    return have < end ? undefined : { body: all.subarray(PREFIX_BYTES, end), rest: all.subarray(end) };
  }
}

const message = (write: (body: ByteWriter) => void): Uint8Array => {
  const body = new ByteWriter();
  write(body);
  const prefix = new ByteWriter();
  prefix.bytes(MAGIC);
  prefix.u16(DATA_PROTOCOL_VERSION);
  prefix.u16(body.length);
  prefix.bytes(body.peek());
  return prefix.take();
};

const readThread = (reader: ByteReader): RemoteThread => ({ instanceId: reader.string(), thread: reader.u32() });

/** Text of others, short and without control characters, for messages and logs. */
const shown = (text: string): string => text.slice(0, 200).replaceAll(/\p{Cc}/gu, ' ');
