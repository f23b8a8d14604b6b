import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { dirname, join, parse, resolve } from 'node:path';
import { messageOf } from '../../../foundation/common/errors.ts';
import { PACKAGE_NAME } from './installation.ts';
import { shownPath } from './shown-path.ts';

export interface TypeDiagnostic {
  /** Absolute; `undefined` for what concerns the project as a whole. */
  readonly file: string | undefined;
  readonly line: number;
  readonly column: number;
  /** Such as `TS2322`. */
  readonly code: string;
  /** One line or more. */
  readonly message: string;
}

export interface TypeCheck {
  /** `false` where there is nothing to check with; `hint` says why. */
  readonly checked: boolean;
  readonly errors: readonly TypeDiagnostic[];
  readonly hint?: string;
  /** All of it for people. */
  readonly lines: readonly string[];
}

/** Options for a job without a `tsconfig.json`. */
const defaultOptions = (folder: string): object => ({
  strict: true,
  target: 'esnext',
  lib: ['esnext'],
  module: 'esnext',
  moduleResolution: 'bundler',
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  // Newer compilers take in no package of types that is not named.
  types: findAbove(folder, join('node_modules', '@types', 'node')) === undefined ? [] : ['node'],
});

/** Whatever the project writes, the check writes nothing and looks at one job. */
const OVERRIDES = {
  noEmit: true,
  skipLibCheck: true,
  composite: false,
  incremental: false,
  tsBuildInfoFile: null,
  declaration: false,
  declarationMap: false,
  emitDeclarationOnly: false,
  isolatedDeclarations: false,
};

export interface TypeCheckOptions {
  /** In place of the nearest `tsconfig.json`. */
  readonly tsconfig?: string;
  /** Ends the compiler; the result means nothing then. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the TypeScript compiler of the job's project on a job, with the options of its `tsconfig.json`, in a process of
 * its own. Never fails: what cannot be checked is said as a hint.
 */
export const checkTypes = async (file: string, options: TypeCheckOptions = {}): Promise<TypeCheck> => {
  const path = realpath(resolve(file));
  // Whoever reads the job says that it is not there.
  if (!/\.[cm]?tsx?$/.test(path) || !existsSync(path)) {
    return { checked: false, errors: [], lines: [] };
  }
  const folder = dirname(path);
  const compiler = findCompiler(folder);
  if (compiler === undefined) {
    return unchecked('there is no typescript in its project (npm install --save-dev typescript)');
  }
  if (!hasMillraceTypes(folder)) {
    return unchecked(`the types of ${PACKAGE_NAME} are not in its project (npm install ${PACKAGE_NAME})`);
  }
  const tsconfig = options.tsconfig === undefined ? findAbove(folder, 'tsconfig.json') : resolve(options.tsconfig);
  try {
    const output = await compile(path, compiler, tsconfig, options.signal);
    return checkedResult(parseDiagnostics(output, folder));
  } catch (error) {
    return unchecked(`the TypeScript compiler cannot be run: ${messageOf(error)}`);
  }
};

const unchecked = (reason: string): TypeCheck => {
  const hint = `the job's types are not checked: ${reason}; --no-check says nothing of it`;
  return { checked: false, errors: [], hint, lines: [hint] };
};

const checkedResult = (errors: readonly TypeDiagnostic[]): TypeCheck => ({
  checked: true,
  errors,
  lines: errors.map(({ file, line, column, code, message }) =>
    file === undefined ? `${code}: ${message}` : `${shownPath(file)}:${line}:${column}: ${code}: ${message}`,
  ),
});

const realpath = (path: string): string => (existsSync(path) ? realpathSync(path) : path);

interface Compiler {
  /** The script behind `tsc`. */
  readonly script: string;
  /** The `node_modules` folder that it was found in. */
  readonly modules: string;
}

const findCompiler = (folder: string): Compiler | undefined => {
  const manifest = findAbove(folder, join('node_modules', 'typescript', 'package.json'));
  if (manifest === undefined) {
    return undefined;
  }
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly bin?: Readonly<Record<string, string>> };
  return { script: join(dirname(manifest), bin?.['tsc'] ?? 'bin/tsc'), modules: dirname(dirname(manifest)) };
};

/** Beside the job, or because the job is in a checkout of Millrace that was built. */
const hasMillraceTypes = (folder: string): boolean => {
  if (findAbove(folder, join('node_modules', PACKAGE_NAME, 'package.json')) !== undefined) {
    return true;
  }
  const manifest = findAbove(folder, 'package.json');
  if (manifest === undefined) {
    return false;
  }
  const { name, exports } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    readonly name?: string;
    readonly exports?: Readonly<Record<string, { readonly types?: string }>>;
  };
  const types = exports?.['.']?.types;
  return name === PACKAGE_NAME && types !== undefined && existsSync(join(dirname(manifest), types));
};

const findAbove = (folder: string, name: string): string | undefined => {
  const path = join(folder, name);
  const parent = dirname(folder);
  return existsSync(path) ? path : parent === folder ? undefined : findAbove(parent, name);
};

const compile = async (
  job: string,
  { script, modules }: Compiler,
  tsconfig: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string> => {
  const folder = projectFolder(modules);
  try {
    const project = join(folder, 'tsconfig.json');
    const declarations = dirname(tsconfig ?? job);
    writeFileSync(
      project,
      JSON.stringify({
        ...(tsconfig === undefined ? {} : { extends: tsconfig }),
        // The compiler takes the folder of this file for the root of the project otherwise.
        compilerOptions: {
          ...(tsconfig === undefined ? defaultOptions(dirname(job)) : {}),
          ...OVERRIDES,
          rootDir: parse(job).root,
        },
        files: [job],
        include: [join(declarations, '**/*.d.ts')],
        exclude: ['**/node_modules', '**/dist'],
        references: [],
      }),
    );
    return await run([script, '--pretty', 'false', '-p', project], dirname(job), signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Below `node_modules`, so that types are found as for the project itself; else where files can be written. */
const projectFolder = (modules: string): string => {
  try {
    const cache = join(modules, '.cache', PACKAGE_NAME);
    mkdirSync(cache, { recursive: true });
    return mkdtempSync(join(cache, 'check-'));
  } catch {
    return mkdtempSync(join(tmpdir(), 'millrace-check-'));
  }
};

const run = async (args: readonly string[], cwd: string, signal: AbortSignal | undefined): Promise<string> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal === undefined ? {} : { signal }),
    });
    if (child.pid !== undefined) {
      giveWay(child.pid);
    }
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', fail);
    child.on('close', (code) => {
      // A compiler that finds errors says which; one that says nothing has failed itself.
      if (code !== 0 && !/error TS\d+/.test(output)) {
        fail(new Error(output.trim() === '' ? `it ended with code ${code}` : output.trim()));
      } else {
        done(output);
      }
    });
  });

/** The job starts meanwhile, and goes first. */
const giveWay = (pid: number): void => {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It may have ended, or the system does not allow it.
  }
};

const LOCATED = /^(?<file>.+?)\((?<line>\d+),(?<column>\d+)\): error (?<code>TS\d+): (?<message>.*)$/;
const GLOBAL = /^error (?<code>TS\d+): (?<message>.*)$/;

/** `tsc --pretty false`: a line for each error, lines that belong to it are indented. */
export const parseDiagnostics = (output: string, folder: string): readonly TypeDiagnostic[] => {
  const found: TypeDiagnostic[] = [];
  for (const text of output.split(/\r?\n/)) {
    const groups = (LOCATED.exec(text) ?? GLOBAL.exec(text))?.groups;
    const last = found.at(-1);
    if (groups !== undefined) {
      const file = groups['file'];
      found.push({
        file: file === undefined ? undefined : resolve(folder, file),
        line: Number(groups['line'] ?? 0),
        column: Number(groups['column'] ?? 0),
        code: groups['code'] ?? '',
        message: groups['message'] ?? '',
      });
    } else if (last !== undefined && /^\s+\S/.test(text)) {
      found[found.length - 1] = { ...last, message: `${last.message}\n${text}` };
    }
  }
  return found;
};
