import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { decodeFrame, encodeFrame } from '../framed-file.ts';

/** An entry of the log, a snapshot, the root. */
export type StoreFileKind = 'HLOG' | 'HSNP' | 'HROT';

/** Of all kinds of files of the embedded store (docs/formats/embedded-store.md); the payload is JSON in UTF-8. */
export const STORE_FORMAT_VERSION = 1;

export const encodeStoreFile = (kind: StoreFileKind, payload: unknown): Uint8Array =>
  encodeFrame({ kind, version: STORE_FORMAT_VERSION }, Buffer.from(JSON.stringify(payload)));

/** STORE_BROKEN, naming `path`, when it is cut off, damaged, of another kind or of another version. */
export const decodeStoreFile = (kind: StoreFileKind, bytes: Uint8Array, path: string): unknown => {
  const payload = decodeFrame({ kind, version: STORE_FORMAT_VERSION }, bytes, (problem) => brokenFile(path, problem));
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8'));
  } catch (error) {
    throw brokenFile(path, messageOf(error), error);
  }
};

export const brokenFile = (path: string, problem: string, cause?: unknown): MillraceError =>
  new MillraceError(
    'STORE_BROKEN',
    `the file ${path} of the HA store cannot be used: ${problem}. Put it back from a copy of the folder; the jobs' checkpoints ` +
      'and savepoints are not touched, each job can be started from them by hand in a new store',
    { cause },
  );
