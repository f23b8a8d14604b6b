import { askServer, type ServerQuestion } from './ask-server.ts';

/**
 * The least that is a greeting: a TLS 1.2 hello of 41 bytes in a handshake message in a record, with a random of zeros, no session, one
 * cipher suite, no compression. A server that accepts it answers with a handshake record, one that does not with an alert.
 */
const HELLO = Buffer.concat([
  Buffer.from([0x16, 0x03, 0x01, 0x00, 0x2d]),
  Buffer.from([0x01, 0x00, 0x00, 0x29]),
  Buffer.from([0x03, 0x03]),
  Buffer.alloc(32),
  Buffer.from([0x00, 0x00, 0x02, 0xc0, 0x2f, 0x01, 0x00]),
]);

/** Beginnings of an alert and of a handshake record. */
const RECORDS: readonly string[] = ['\x15\x03', '\x16\x03'];

/** Whether a port speaks TLS, whoever it trusts. */
export const speaksTls = async (question: Omit<ServerQuestion, 'bytes'>): Promise<boolean> => {
  const answer = await askServer({ ...question, bytes: HELLO });
  return answer.kind === 'text' && RECORDS.includes(answer.text.slice(0, 2));
};
