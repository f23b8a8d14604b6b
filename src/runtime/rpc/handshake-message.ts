import { ByteReader } from '../../foundation/common/byte-reader.ts';
import { ByteWriter } from '../../foundation/common/byte-writer.ts';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { beginFrame, endFrame } from './frame.ts';

/**
 * What is said before both sides know that they run the same version, so this never changes: the letters `MLRC`, the
 * kind in a byte, the protocol version in 4 bytes, little-endian, then JSON. The connector says hello, the acceptor says
 * hello or refuses, the connector is ready or refuses; after that come the messages of `wire-message.ts`.
 */
export interface HandshakeMessage {
  readonly kind: HandshakeKind;
  readonly protocolVersion: number;
  readonly body: unknown;
}

export type HandshakeKind = 'hello' | 'ready' | 'refusal';

const KINDS: readonly (HandshakeKind | undefined)[] = [undefined, 'hello', 'ready', 'refusal'];
const MAGIC = Buffer.from('MLRC');

/** No handshake message is longer; nobody who has not said hello may send more. */
export const HANDSHAKE_BYTES_MAX = 8 * 1024;

export const encodeHandshake = ({ kind, protocolVersion, body }: HandshakeMessage): Uint8Array<ArrayBuffer> => {
  const writer = new ByteWriter();
  beginFrame(writer);
  writer.bytes(MAGIC);
  writer.u8(KINDS.indexOf(kind));
  writer.u32(protocolVersion);
  writer.bytes(Buffer.from(JSON.stringify(body)));
  return endFrame(writer);
};

/** Errors: PROTOCOL. */
export const decodeHandshake = (payload: Uint8Array, remoteAddress: string): HandshakeMessage => {
  try {
    const reader = new ByteReader(payload);
    if (!MAGIC.equals(reader.bytes(MAGIC.length))) {
      throw new MillraceError('PROTOCOL', 'it does not begin as a hello does');
    }
    const kind = KINDS[reader.u8()];
    if (kind === undefined) {
      throw new MillraceError('PROTOCOL', 'it is of no known kind');
    }
    return { kind, protocolVersion: reader.u32(), body: JSON.parse(reader.utf8(reader.remaining)) as unknown };
  } catch (thrown) {
    throw new MillraceError(
      'PROTOCOL',
      `${remoteAddress} sent a hello that cannot be read (${messageOf(thrown)}); is the port the right one?`,
    );
  }
};
