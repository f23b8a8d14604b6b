import { resolve } from 'node:path';
import type { Message } from 'esbuild';
import { messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import { shownPath } from './shown-path.ts';

/** Errors that are shown before it says how many more there are. */
const SHOWN_ERRORS = 10;

/** `job.ts:3:20: what is wrong`, then the line with a mark below the place. */
export const formatMessage = ({ text, location, notes }: Message): string => {
  const said = [explain(text), ...notes.filter(isOurs).map((note) => note.text)].join('\n  ');
  if (location === null) {
    return said;
  }
  const { file, line, column, length, lineText } = location;
  const head = `${shownPath(resolve(file))}:${line}:${column + 1}: ${said}`;
  if (lineText === '') {
    return head;
  }
  const gutter = String(line);
  const source = lineText.replaceAll('\t', ' ');
  const mark = ' '.repeat(column) + '^'.repeat(Math.max(1, Math.min(length, source.length - column)));
  return `${head}\n    ${gutter} | ${source}\n    ${' '.repeat(gutter.length)} | ${mark}`;
};

/** Notes of esbuild tell how to call esbuild, which a user of Millrace does not. */
const isOurs = (note: { readonly location: unknown; readonly text: string }): boolean => note.location !== null;

const explain = (text: string): string => {
  const unresolved = /^Could not resolve "(?<name>[^"]+)"/.exec(text)?.groups?.['name'];
  if (unresolved === undefined) {
    return text;
  }
  if (/^[./]/.test(unresolved)) {
    return `there is no file "${unresolved}"`;
  }
  const parts = unresolved.split('/');
  const name = unresolved.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
  return `there is no package "${unresolved}"; install it in the job's project (npm install ${name})`;
};

/** A job that does not compile, with the files that were named: to change one of them may help. */
export class BundleFailure extends MillraceError {
  readonly files: readonly string[];

  constructor(message: string, files: readonly string[], cause?: unknown) {
    super('BUNDLE_FAILED', message, cause === undefined ? {} : { cause });
    this.files = files;
  }
}

/** What esbuild threw, as one error of Millrace's. */
export const bundleFailure = (thrown: unknown): MillraceError => {
  const errors = (thrown as { readonly errors?: readonly Message[] }).errors;
  if (errors === undefined || errors.length === 0) {
    return new BundleFailure(`the job cannot be bundled: ${messageOf(thrown)}`, [], thrown);
  }
  const shown = errors.slice(0, SHOWN_ERRORS).map((message) => formatMessage(message));
  const more = errors.length > SHOWN_ERRORS ? [`... and ${errors.length - SHOWN_ERRORS} more errors`] : [];
  // Without a cause: it would say all of this once more.
  const files = errors.flatMap(({ location }) => (location === null ? [] : [resolve(location.file)]));
  return new BundleFailure([...shown, ...more].join('\n'), [...new Set(files)]);
};
