import { fieldReader, fieldReplacer } from './key-selector.ts';

/** What sum, min and max work on: one field of a record, or the record itself where the stream is of plain numbers. */
export interface NumericField {
  readonly field: string | undefined;
  readonly read: (record: unknown) => unknown;
  /** The record that comes out: the one that came in last, the field replaced by the result. */
  readonly replace: (record: unknown, value: unknown) => unknown;
}

export const numericField = (field: string | undefined): NumericField =>
  field === undefined
    ? { field, read: (record) => record, replace: (_record, value) => value }
    : { field, read: fieldReader(field), replace: fieldReplacer(field) };
