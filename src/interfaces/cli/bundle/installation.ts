import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { present } from '../../../foundation/common/assert.ts';

/** The running Millrace: where it is, and what jobs can import from it. */
export interface Installation {
  /** Absolute, with a slash at the end. */
  readonly folder: string;
  /** What a job may import: `millrace`, `millrace/connectors/file`, ... */
  readonly specifiers: readonly string[];
  /** The file behind such a name, as a URL; `undefined` for a name that is not exported. */
  resolve(specifier: string): string | undefined;
}

export const PACKAGE_NAME = 'millrace';

export const isMillraceSpecifier = (specifier: string): boolean =>
  specifier === PACKAGE_NAME || specifier.startsWith(`${PACKAGE_NAME}/`);

/** This file's place in the package, from which the package's own folder follows. */
const DEPTH = '../../../../';

let found: Installation | undefined;

/**
 * The installation that this code belongs to. A job gets this one, not one that lies beside it: two copies in one
 * process would not know each other's objects.
 */
export const installation = (): Installation => {
  found ??= readInstallation(new URL(DEPTH, import.meta.url), import.meta.url.endsWith('.ts'));
  return found;
};

/** `fromSource`: TypeScript runs as it is (a checkout), so that exports of `dist/*.js` mean `src/*.ts`. */
export const readInstallation = (folder: URL, fromSource: boolean): Installation => {
  const manifest = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as {
    readonly exports?: Readonly<Record<string, string | { readonly default?: string }>>;
  };
  const urls = new Map<string, string>();
  for (const [path, target] of Object.entries(manifest.exports ?? {})) {
    const file = typeof target === 'string' ? target : present(target.default, `the default export of ${path}`);
    const source = fromSource ? file.replace(/^\.\/dist\/(.*)\.js$/, './src/$1.ts') : file;
    urls.set(PACKAGE_NAME + path.slice(1), new URL(source, folder).href);
  }
  return {
    folder: fileURLToPath(folder),
    specifiers: [...urls.keys()].filter((specifier) => !specifier.endsWith('.json')),
    resolve: (specifier) => urls.get(specifier),
  };
};
