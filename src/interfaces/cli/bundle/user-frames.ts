import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBundlePath } from './bundle-file.ts';
import { installation } from './installation.ts';
import { shownPath } from './shown-path.ts';

/** One line of a stack trace. */
export interface StackFrame {
  /** As in the trace, such as `Object.map` or `async read`; empty for top-level code. */
  readonly functionName: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const FRAME =
  /^\s*at (?:(?<named>.+?) \((?<inside>.+):(?<line1>\d+):(?<column1>\d+)\)|(?<isAsync>async )?(?<bare>.+):(?<line2>\d+):(?<column2>\d+))$/;

const parseFrame = (text: string): StackFrame | undefined => {
  const groups = FRAME.exec(text)?.groups;
  const place = groups?.['inside'] ?? groups?.['bare'];
  if (groups === undefined || place === undefined) {
    return undefined;
  }
  return {
    functionName: (groups['named'] ?? '').replace(/^<anonymous>$/, ''),
    file: place.startsWith('file:') ? fileURLToPath(place) : place,
    line: Number(groups['line1'] ?? groups['line2']),
    column: Number(groups['column1'] ?? groups['column2']),
  };
};

/** What calls Millrace's command line: below every frame of a job, and no place of the user's. */
const CALLER_OF_THE_CLI = /[\\/]node_modules[\\/]commander[\\/]/;

/**
 * The frames of a stack trace that are the user's: not Node's, not Millrace's, not what the bundler added. Packages that
 * the job uses are left out too, unless nothing else is left.
 */
export const userFrames = (stack: string, folder: string = installation().folder): readonly StackFrame[] => {
  const frames = stack
    .split('\n')
    .map(parseFrame)
    .filter((frame) => frame !== undefined)
    .filter(({ file }) => isAbsolute(file) && !isBundlePath(file) && !isInternal(file, folder));
  const own = frames.filter(({ file }) => !/[\\/]node_modules[\\/]/.test(file));
  return own.length > 0 ? own : frames.filter(({ file }) => !CALLER_OF_THE_CLI.test(file));
};

const isInternal = (file: string, folder: string): boolean =>
  ['src', 'dist', 'bin'].some((part) => file.startsWith(`${folder}${part}/`)) ||
  file.startsWith(`${folder}node_modules/`);

/** `map (jobs/count.ts:12:5)`, the file as seen from the working folder. */
export const formatFrame = (frame: StackFrame, workingFolder: string = process.cwd()): string => {
  const place = `${shownPath(frame.file, workingFolder)}:${frame.line}:${frame.column}`;
  return frame.functionName === '' ? place : `${frame.functionName} (${place})`;
};
