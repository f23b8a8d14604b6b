import { isAbsolute, relative } from 'node:path';

/** A file as people name it: from the working folder when it is below, else absolute. */
export const shownPath = (file: string, workingFolder: string = process.cwd()): string => {
  const near = relative(workingFolder, file);
  return near === '' || near.startsWith('..') || isAbsolute(near) ? file : near;
};
