import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { JobBundle } from './bundle-job.ts';

/** `job-` and the first 12 digits of the hash. */
const NAME = /^job-[0-9a-f]{12}\.mjs$/;
const HASH_DIGITS = 12;

/** The comment at the start of a bundle that says where its externals were when it was made. */
const HEADER = /^\/\* millrace job bundle, externals from (?<folder>\S+) \*\//;

/** Longer than any path. */
export const HEADER_LIMIT = 8192;

export const bundleFileName = (hash: string): string => `job-${hash.slice(0, HASH_DIGITS)}.mjs`;

export const isBundlePath = (path: string): boolean => NAME.test(basename(path));

export const bundleHeader = (folder: string): string =>
  `/* millrace job bundle, externals from ${encodeURI(folder).replaceAll('*', '%2A')} */`;

/** The folder that the packages of `--external` were found from, told by the first characters of a bundle. */
export const externalsFolder = (start: string): string | undefined => {
  const folder = HEADER.exec(start)?.groups?.['folder'];
  return folder === undefined ? undefined : decodeURI(folder.replaceAll('%2A', '*'));
};

/** Writes the bundle into a folder, complete or not at all, and returns its path. */
export const writeBundle = async (bundle: Pick<JobBundle, 'code' | 'hash'>, folder: string): Promise<string> => {
  const path = join(folder, bundleFileName(bundle.hash));
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint()}.tmp`;
  await writeFile(temporary, bundle.code);
  await rename(temporary, path);
  return path;
};
