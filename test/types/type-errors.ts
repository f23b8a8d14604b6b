import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface TypeError {
  /** Relative to the project's folder. */
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

const ROOT = path.resolve(import.meta.dirname, '../..');
const FIRST_LINE = /^(?<file>.+?)\((?<line>\d+),\d+\): (?<text>error .*)$/;

/** What the compiler says about a project; lines that continue a message belong to it. */
export const typeErrorsOf = async (project: string): Promise<readonly TypeError[]> => {
  const errors: { file: string; line: number; text: string }[] = [];
  for (const line of (await compilerOutput(project)).split('\n')) {
    const match = FIRST_LINE.exec(line)?.groups;
    const last = errors.at(-1);
    if (match !== undefined) {
      const file = path.relative(ROOT, path.resolve(ROOT, match['file']!));
      errors.push({ file, line: Number(match['line']), text: match['text']! });
    } else if (last !== undefined && line.startsWith(' ')) {
      last.text += `\n${line}`;
    } else if (line !== '') {
      throw new Error(`the compiler says something that is not understood: ${line}`);
    }
  }
  return errors;
};

const compilerOutput = async (project: string): Promise<string> => {
  const compiler = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  try {
    const { stdout } = await run(process.execPath, [compiler, '-p', project, '--noEmit', '--pretty', 'false'], {
      cwd: ROOT,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    // Errors in what is compiled: exit code 1 or 2.
    if (typeof error === 'object' && error !== null && 'stdout' in error && typeof error.stdout === 'string') {
      return error.stdout;
    }
    throw error;
  }
};

/** `// @expect-error: text`: the next line has an error whose message contains the text. */
export const expectedErrorsIn = async (file: string): Promise<readonly TypeError[]> => {
  const lines = (await readFile(file, 'utf8')).split('\n');
  return lines.flatMap((line, index) => {
    const text = /^\s*\/\/ @expect-error: (?<text>.*)$/.exec(line)?.groups?.['text'];
    return text === undefined ? [] : [{ file: path.relative(ROOT, file), line: index + 2, text }];
  });
};
