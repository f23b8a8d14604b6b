import { MillraceError } from '../../../foundation/common/errors.ts';
import type { FileEntry } from '../../../foundation/filesystem/file-system.ts';
import { fileSystemOf } from '../../../foundation/filesystem/file-systems.ts';
import { type Glob, parseGlob } from './glob.ts';

export interface FoundFile {
  /** As the job named it, with what was found below a folder or pattern appended. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Folders in folders beyond this are taken for a loop of links. */
const DEEPEST = 64;

/**
 * The files that a path names: itself, those in and below a folder, or those that match a pattern; sorted by path. Names
 * that start with a dot or an underscore are left out unless asked for. `mustExist`: a missing path is an error.
 */
export const findFiles = async (pattern: string, mustExist: boolean): Promise<FoundFile[]> => {
  const { fs, path } = fileSystemOf(pattern);
  const literal = await fs.stat(path);
  if (literal !== undefined) {
    return literal.isFolder ? filesBelow(pattern, undefined) : [{ path: pattern, sizeBytes: literal.sizeBytes }];
  }
  const glob = parseGlob(pattern);
  if (glob === undefined) {
    return mustExist ? missing(pattern, 'there is no such file or folder') : [];
  }
  const folder = fileSystemOf(glob.folder);
  if ((await folder.fs.stat(folder.path)) === undefined) {
    return mustExist ? missing(pattern, `there is no folder ${folder.path}`) : [];
  }
  return filesBelow(glob.folder, glob);
};

const missing = (pattern: string, reason: string): never => {
  throw new MillraceError('FILE_NOT_FOUND', `cannot read ${pattern}: ${reason}`);
};

const filesBelow = async (base: string, glob: Glob | undefined): Promise<FoundFile[]> => {
  const found: FoundFile[] = [];
  const visit = async (folder: string, relative: string, depth: number): Promise<void> => {
    if (depth > DEEPEST) {
      throw new MillraceError('FILESYSTEM', `${folder} is more than ${DEEPEST} folders deep; is it a loop of links?`);
    }
    const { fs, path } = fileSystemOf(folder);
    for (const entry of await fs.list(path)) {
      if (isHidden(entry, glob)) {
        continue;
      }
      const below = relative === '' ? entry.name : `${relative}/${entry.name}`;
      const child = folder.endsWith('/') ? `${folder}${entry.name}` : `${folder}/${entry.name}`;
      if (entry.isFolder) {
        if (glob === undefined || depth < glob.depth) {
          await visit(child, below, depth + 1);
        }
      } else if (glob === undefined || glob.matches(below)) {
        found.push({ path: child, sizeBytes: entry.sizeBytes });
      }
    }
  };
  await visit(base, '', 0);
  return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
};

const isHidden = ({ name }: FileEntry, glob: Glob | undefined): boolean => {
  const first = name[0]!;
  return (first === '.' || first === '_') && glob?.asksFor(first) !== true;
};
