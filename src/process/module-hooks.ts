import { closeSync, openSync, readSync } from 'node:fs';
import { createRequire, isBuiltin, registerHooks, type ResolveFnOutput, type ResolveHookContext } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { codeOf, MillraceError } from '../foundation/common/errors.ts';
import { externalsFolder, HEADER_LIMIT, isBundlePath } from '../interfaces/cli/bundle/bundle-file.ts';
import { installation, isMillraceSpecifier } from '../interfaces/cli/bundle/installation.ts';

export interface ModuleHookOptions {
  /** Where packages of `--external` are looked for first. */
  readonly externalsFrom?: string;
}

let installed: { options: ModuleHookOptions } | undefined;

/**
 * Makes bundles importable in this thread, from wherever they lie: `millrace` and `millrace/...` are the running
 * installation, and packages that were left out with `--external` are found in `externalsFrom`, the folder of the job's
 * file, the working folder, or above the bundle. Stack traces name the user's files. To be called once in each thread;
 * calling it again changes the options if it is given any.
 */
export const installModuleHooks = (options?: ModuleHookOptions): void => {
  if (installed !== undefined) {
    installed.options = options ?? installed.options;
    return;
  }
  const state = { options: options ?? {} };
  installed = state;
  process.setSourceMapsEnabled(true);
  registerHooks({
    resolve: (specifier, context, nextResolve) => {
      if (isMillraceSpecifier(specifier)) {
        return resolveMillrace(specifier);
      }
      const bundle = isExternal(specifier) ? bundleOf(context.parentURL) : undefined;
      return bundle === undefined
        ? nextResolve(specifier, context)
        : resolveExternal(specifier, context, nextResolve, [
            state.options.externalsFrom,
            folderOf(bundle),
            process.cwd(),
          ]);
    },
  });
};

const resolveMillrace = (specifier: string): ResolveFnOutput => {
  const url = installation().resolve(specifier);
  if (url === undefined) {
    const known = installation().specifiers.join(', ');
    throw new MillraceError('BAD_JOB', `there is no module ${specifier}; there are ${known}`);
  }
  return { url, shortCircuit: true };
};

/** A package: neither a path, nor a URL, nor built into Node. */
const isExternal = (specifier: string): boolean =>
  /^[^./]/.test(specifier) && !/^[a-z]+:/i.test(specifier) && !isBuiltin(specifier);

const bundleOf = (parentUrl: string | undefined): string | undefined => {
  if (parentUrl === undefined || !parentUrl.startsWith('file:')) {
    return undefined;
  }
  const path = fileURLToPath(parentUrl);
  return isBundlePath(path) ? path : undefined;
};

const resolveExternal = (
  specifier: string,
  context: ResolveHookContext,
  nextResolve: (specifier: string, context?: Partial<ResolveHookContext>) => ResolveFnOutput,
  folders: readonly (string | undefined)[],
): ResolveFnOutput => {
  for (const folder of folders) {
    const found = folder === undefined ? undefined : resolveFrom(specifier, context, nextResolve, folder);
    if (found !== undefined) {
      return found;
    }
  }
  try {
    return nextResolve(specifier, context);
  } catch (error) {
    if (!isNotFound(error)) {
      throw error;
    }
    const places = [...new Set(folders.filter((folder) => folder !== undefined))].join(', ');
    throw Object.assign(
      new MillraceError(
        'BAD_JOB',
        `the package ${specifier}, which the job leaves out with --external, is not on this machine: ` +
          `install it in ${places} or above`,
        { cause: error },
      ),
    );
  }
};

const resolveFrom = (
  specifier: string,
  context: ResolveHookContext,
  nextResolve: (specifier: string, context?: Partial<ResolveHookContext>) => ResolveFnOutput,
  folder: string,
): ResolveFnOutput | undefined => {
  const parent = pathToFileURL(join(folder, 'job.mjs')).href;
  try {
    // What follows for `require` goes by the requiring module, not by `parentURL`.
    return context.conditions.includes('require')
      ? { url: pathToFileURL(createRequire(parent).resolve(specifier)).href, shortCircuit: true }
      : nextResolve(specifier, { ...context, parentURL: parent });
  } catch (error) {
    if (isNotFound(error)) {
      return undefined;
    }
    throw error;
  }
};

const isNotFound = (error: unknown): boolean => {
  const code = codeOf(error);
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
};

const folders = new Map<string, string | undefined>();

/** What the bundle says about itself; read once. */
const folderOf = (bundle: string): string | undefined => {
  if (!folders.has(bundle)) {
    folders.set(bundle, externalsFolder(startOf(bundle)));
  }
  return folders.get(bundle);
};

const startOf = (path: string): string => {
  const buffer = Buffer.alloc(HEADER_LIMIT);
  const file = openSync(path, 'r');
  try {
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(file);
  }
};
