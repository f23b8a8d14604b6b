import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Loader, OnLoadResult, Plugin } from 'esbuild';

/**
 * A module's own place (`import.meta.url`, `__dirname`) is lost when it becomes a part of a bundle. Here each module
 * keeps it: on this machine the place is the original one. Files that a module names by a literal, as in
 * `readFile(new URL('./model.wasm', import.meta.url))` or `join(__dirname, 'words.txt')`, travel inside the bundle; they
 * are written beside it when it is imported, and the module's place is there.
 */
export interface AdaptedModules {
  readonly plugin: Plugin;
  /** The text of changed modules as the user wrote it, by path. */
  readonly originals: ReadonlyMap<string, string>;
  /** The files that travel. */
  assets(): readonly string[];
}

interface Asset {
  readonly path: string;
  /** As the module names it. */
  readonly name: string;
  readonly content: Buffer;
}

const PLACE = /\bimport\.meta\.(?:url|dirname|filename)\b|\b__(?:dirname|filename)\b/;
const IN_TEMPLATE = /\$\{__dirname\}\/(?<text>[^`$\n]{1,200})`/g;
const META = /\bimport\.meta\.(url|dirname|filename)\b/g;
const LITERAL = /(?<!\b(?:from|import|require)\s*\(?\s*)(["'`])(?<text>(?:[^"'`\\\n$]){1,200})\1/g;

/** Code, which is imported and not read. */
const CODE = new Set(['.js', '.mjs', '.cjs', '.jsx', '.ts', '.mts', '.cts', '.tsx', '.node', '.map', '']);
const ASSET_LIMIT_BYTES = 64 * 1024 * 1024;

/** How far above its module a file may be that travels with it. */
const DEPTH = ['a', 'b', 'c', 'd'];
const NAMESPACE = 'millrace-assets';

const LOADERS: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.jsx': 'jsx',
};

export const adaptModules = (): AdaptedModules => {
  const originals = new Map<string, string>();
  const assetsByModule = new Map<string, readonly Asset[]>();
  const plugin: Plugin = {
    name: NAMESPACE,
    setup: (build) => {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: 'file' }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        if (!PLACE.test(text)) {
          return undefined;
        }
        originals.set(path, text);
        const assets = await assetsOf(path, text);
        assetsByModule.set(path, assets);
        return adapted(path, text, assets);
      });
      build.onResolve({ filter: new RegExp(`^${NAMESPACE}:`) }, ({ path }) => ({
        path: path.slice(NAMESPACE.length + 1),
        namespace: NAMESPACE,
      }));
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => ({
        contents: assetModule(path, assetsByModule.get(path) ?? []),
        loader: 'js',
      }));
    },
  };
  return {
    plugin,
    originals,
    assets: () => [...assetsByModule.values()].flatMap((assets) => assets.map(({ path }) => path)),
  };
};

const assetsOf = async (module: string, text: string): Promise<readonly Asset[]> => {
  const found = new Map<string, Asset>();
  for (const match of [...text.matchAll(LITERAL), ...text.matchAll(IN_TEMPLATE)]) {
    const name = (match.groups?.['text'] ?? '').replace(/^\//, '');
    const path = resolve(dirname(module), name);
    if (CODE.has(extname(name)) || found.has(name) || /^[a-z]+:/i.test(name) || above(name) >= DEPTH.length) {
      continue;
    }
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile() === true && stat.size <= ASSET_LIMIT_BYTES) {
      found.set(name, { path, name, content: await readFile(path) });
    }
  }
  return [...found.values()];
};

const above = (name: string): number => name.split('/').filter((part) => part === '..').length;

/** All on the first line, so that line numbers stay. */
const adapted = (path: string, text: string, assets: readonly Asset[]): OnLoadResult => {
  const usesMeta = /\bimport\.meta\.(?:url|dirname|filename)\b/.test(text);
  const place =
    assets.length > 0
      ? usesMeta
        ? `import { place as __millracePlace } from ${JSON.stringify(`${NAMESPACE}:${path}`)}; `
        : `var __millracePlace = require(${JSON.stringify(`${NAMESPACE}:${path}`)}).place; `
      : `var __millracePlace = ${JSON.stringify({ url: pathToFileURL(path).href, dirname: dirname(path), filename: path })}; `;
  const variables = ['dirname', 'filename']
    .filter((name) => new RegExp(`\\b__${name}\\b`).test(text) && !declares(text, `__${name}`))
    .map((name) => `var __${name} = __millracePlace.${name}; `)
    .join('');
  const body = text.replace(META, '__millracePlace.$1');
  const hashbang = /^#!.*\n/.exec(body)?.[0] ?? '';
  return {
    contents: `${hashbang}${place}${variables}${body.slice(hashbang.length)}`,
    loader: LOADERS[extname(path)] ?? 'js',
    resolveDir: dirname(path),
  };
};

const declares = (text: string, name: string): boolean =>
  new RegExp(`(?<!\\bdeclare\\s+)\\b(?:const|let|var)\\s+(?:[\\w$]+\\s*=[^;\\n]*,\\s*)?(?:\\{[^}]*)?${name}\\b`).test(
    text,
  );

/** Writes the files beside the bundle, each under a name that is complete from the start. */
const assetModule = (module: string, assets: readonly Asset[]): string => {
  const hash = createHash('sha256');
  assets.forEach(({ name, content }) => hash.update(`${name}\0${content.length}\0`).update(content));
  const folder = `assets-${hash.digest('hex').slice(0, 12)}`;
  const files = assets.map(({ name, content }) => [name, content.toString('base64')]);
  return `
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threadId } from 'node:worker_threads';
const url = new URL(${JSON.stringify(`./${folder}/${DEPTH.join('/')}/${encodeURIComponent(basename(module))}`)}, import.meta.url);
for (const [name, content] of ${JSON.stringify(files)}) {
  const path = fileURLToPath(new URL(name, url));
  if (!existsSync(path)) {
    const temporary = path + '.' + process.pid + '.' + threadId + '.tmp';
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, Buffer.from(content, 'base64'));
    renameSync(temporary, path);
  }
}
export const place = { url: url.href, filename: fileURLToPath(url), dirname: dirname(fileURLToPath(url)) };
`;
};
