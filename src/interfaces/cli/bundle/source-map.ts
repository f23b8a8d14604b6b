import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

interface SourceMap {
  sources: string[];
  sourcesContent?: (string | null)[];
  ignoreList?: number[];
}

export interface SourceMapContext {
  /** What `sources` are relative to. */
  readonly folder: string;
  /** The text of files that were changed on the way into the bundle. */
  readonly adapted: ReadonlyMap<string, string>;
}

/**
 * Names sources by absolute URLs, since the bundle moves and breakpoints are set by file; leaves out the text of packages,
 * which is most of a bundle's size and which nobody looks at, and tells debuggers to step over them.
 */
export const finishSourceMap = (text: string, { folder, adapted }: SourceMapContext): string => {
  const map = JSON.parse(text) as SourceMap;
  const paths = map.sources.map((source) => (/^[\w-]{2,}:/.test(source) ? undefined : resolve(folder, source)));
  const isPackage = (path: string | undefined): boolean => path === undefined || /[\\/]node_modules[\\/]/.test(path);
  map.sources = map.sources.map((source, index) => {
    const path = paths[index];
    return path === undefined ? source : pathToFileURL(path).href;
  });
  map.sourcesContent = paths.map((path, index) =>
    path === undefined || isPackage(path) ? null : (adapted.get(path) ?? map.sourcesContent?.[index] ?? null),
  );
  map.ignoreList = paths.flatMap((path, index) => (isPackage(path) ? [index] : []));
  return JSON.stringify(map);
};

export const inlineSourceMap = (map: string): string =>
  `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}\n`;
