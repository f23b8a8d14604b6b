import { MillraceError } from '../../foundation/common/errors.ts';

/** Refuses formats that this version cannot read. */
export const checkFormatVersion = (what: string, found: number, known: number): void => {
  if (found > known) {
    throw new MillraceError(
      'CHECKPOINT_NEWER_VERSION',
      `${what} has format version ${found}, this Millrace reads up to version ${known}: it was written by a newer one`,
    );
  }
  if (found < 1) {
    throw new MillraceError('CORRUPT_DATA', `${what} has format version ${found}, which never existed`);
  }
};
