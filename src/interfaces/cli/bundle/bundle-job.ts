import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { build, type BuildResult } from 'esbuild';
import { present } from '../../../foundation/common/assert.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { adaptModules, type AdaptedModules } from './adapt-modules.ts';
import { bundleFailure, formatMessage } from './build-messages.ts';
import { bundleFileName, bundleHeader } from './bundle-file.ts';
import { millraceImports } from './millrace-imports.ts';
import { nativeAddons } from './native-addons.ts';
import { finishSourceMap, inlineSourceMap } from './source-map.ts';

/** A job as one ES module that runs wherever Millrace runs. */
export interface JobBundle {
  readonly code: string;
  /** SHA-256 of the code, in hex. */
  readonly hash: string;
  /** The job's file, absolute. */
  readonly file: string;
  /** Packages that are not in the bundle. */
  readonly externals: readonly string[];
  /** The files that went in, packages aside: a change of one of them is a change of the job. */
  readonly inputs: readonly string[];
  /** For people, one or more lines each. */
  readonly warnings: readonly string[];
}

export interface BundleOptions {
  /** Names of packages that are imported at run time from where the job runs. */
  readonly external?: readonly string[];
  /** In place of the `tsconfig.json` that is nearest to each file. */
  readonly tsconfig?: string;
}

/** `require` for CommonJS that is bundled; esbuild renames a `require` of the user's. */
const REQUIRE =
  "import { createRequire as __millraceCreateRequire } from 'node:module'; " +
  'const require = __millraceCreateRequire(import.meta.url);';

/**
 * Bundles a job's file (TypeScript or JavaScript) with what it imports from its project and from `node_modules`.
 * `millrace` itself stays outside: the bundle gets the installation that runs it.
 *
 * Errors: FILE_NOT_FOUND; BUNDLE_FAILED with file, line and column of what does not compile, does not resolve, or is a
 * native addon.
 */
export const bundleJob = async (file: string, options: BundleOptions = {}): Promise<JobBundle> => {
  const path = resolve(file);
  assertIsFile(path, file);
  const externals = options.external ?? [];
  if (options.tsconfig !== undefined && !existsSync(options.tsconfig)) {
    throw new MillraceError('FILE_NOT_FOUND', `the tsconfig ${options.tsconfig} does not exist`);
  }
  const adapted = adaptModules();
  const folder = dirname(path);
  // Nothing is written there; esbuild wants a place to name sources relative to.
  const outfile = resolve(folder, bundleFileName('0'.repeat(12)));
  const result = await runBuild(path, outfile, externals, adapted, options.tsconfig);
  const text = (end: string): string =>
    present(
      result.outputFiles?.find((output) => output.path.endsWith(end)),
      `esbuild's output ${end}`,
    ).text;
  const map = finishSourceMap(text('.map'), { folder, adapted: adapted.originals });
  const code = text('.mjs') + inlineSourceMap(map);
  return {
    code,
    hash: createHash('sha256').update(code).digest('hex'),
    file: path,
    externals,
    inputs: inputsOf(result, adapted, options.tsconfig),
    warnings: [...result.warnings.map((message) => formatMessage(message)), ...unusedExternals(result, externals)],
  };
};

const runBuild = async (
  path: string,
  outfile: string,
  externals: readonly string[],
  adapted: AdaptedModules,
  tsconfig: string | undefined,
): Promise<BuildResult> => {
  try {
    return await build({
      entryPoints: [path],
      outfile,
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node22',
      sourcemap: 'external',
      sourcesContent: true,
      metafile: true,
      logLevel: 'silent',
      charset: 'utf8',
      legalComments: 'none',
      external: [...externals],
      loader: { '.wasm': 'binary', '.txt': 'text', '.sql': 'text', '.csv': 'text' },
      banner: { js: `${bundleHeader(dirname(path))} ${REQUIRE}` },
      plugins: [millraceImports(), nativeAddons(externals), adapted.plugin],
      ...(tsconfig === undefined ? {} : { tsconfig: resolve(tsconfig) }),
    });
  } catch (error) {
    throw bundleFailure(error);
  }
};

const assertIsFile = (path: string, shown: string): void => {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new MillraceError('FILE_NOT_FOUND', `the job file ${shown} does not exist`);
  }
  if (!stat.isFile()) {
    throw new MillraceError(
      'BUNDLE_FAILED',
      `${shown} is not a file; name the TypeScript or JavaScript file of the job`,
    );
  }
};

const inputsOf = (result: BuildResult, adapted: AdaptedModules, tsconfig: string | undefined): readonly string[] => {
  const files = Object.keys(present(result.metafile, 'metafile').inputs)
    .filter((input) => !/^[\w-]{2,}:/.test(input))
    .map((input) => resolve(input));
  const all = [...files, ...adapted.assets(), ...(tsconfig === undefined ? [] : [resolve(tsconfig)])];
  return [...new Set(all)].filter((input) => !/[\\/]node_modules[\\/]/.test(input));
};

const unusedExternals = (result: BuildResult, externals: readonly string[]): readonly string[] => {
  const imported = Object.values(present(result.metafile, 'metafile').inputs).flatMap(({ imports }) =>
    imports.flatMap((entry) => (entry.external === true ? [entry.path] : [])),
  );
  return externals
    .filter((name) => !imported.some((path) => path === name || path.startsWith(`${name}/`)))
    .map((name) => `--external ${name}: the job does not import it`);
};
