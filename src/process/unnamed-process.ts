import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../foundation/common/errors.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { livesStill, ownProcess, processOwnerSchema } from './process-owner.ts';

/** No machine runs so many that nobody gave a name. */
const NUMBERS = 1_000;
/** A name of a process of which nobody here can tell whether it lives is free when nothing was logged under it for so long. */
const FOREIGN_AGE_MS = 24 * 3_600_000;

/**
 * The name of a process that nobody gave one, and of its log file: `<role>-<host>-<n>`, with the first number in the folder of the logs
 * that no living process has. So each has a file of its own, and starts do not make files without end. A number is taken by
 * `.<name>.owner`, which goes when the process ends; one that a killed process left is taken over.
 */
export const nameUnnamedProcess = (role: 'jobmanager' | 'taskmanager', logFolder: string | undefined): string => {
  const base = `${role}-${hostname()}`;
  const own = `${base}-${process.pid}`;
  if (logFolder === undefined) {
    return own;
  }
  try {
    mkdirSync(logFolder, { recursive: true, mode: 0o700 });
    return firstFree(logFolder, base) ?? own;
  } catch {
    // A folder that cannot be written ends no process.
    return own;
  }
};

const firstFree = (folder: string, base: string): string | undefined => {
  const draft = join(folder, `.${base}.${systemRandom.hex(16)}`);
  writeFileSync(draft, JSON.stringify(ownProcess()), { mode: 0o600 });
  try {
    const names = Array.from({ length: NUMBERS }, (_, number) => `${base}-${number}`);
    return names.find((name) => take(folder, name, draft));
  } finally {
    rmSync(draft, { force: true });
  }
};

/** Whether this process has the name from now on. */
const take = (folder: string, name: string, draft: string): boolean => {
  const path = join(folder, `.${name}.owner`);
  const isTaken = linked(draft, path) || (setAsideIfLeft(path, join(folder, `${name}.log`)) && linked(draft, path));
  if (isTaken) {
    process.once('exit', () => rmSync(path, { force: true }));
  }
  return isTaken;
};

/** False when somebody was there first. */
const linked = (draft: string, path: string): boolean => {
  try {
    linkSync(draft, path);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') {
      throw thrown;
    }
    return false;
  }
};

/** Whether the name is free now. Of several that find it left at once, one may have it again by then: that one keeps it. */
const setAsideIfLeft = (path: string, log: string): boolean => {
  if (!isLeft(path, log)) {
    return false;
  }
  const aside = `${path}.${systemRandom.hex(16)}`;
  try {
    renameSync(path, aside);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') {
      return true;
    }
    throw thrown;
  }
  const isFree = isLeft(aside, log) || !linked(aside, path);
  rmSync(aside, { force: true });
  return isFree;
};

const isLeft = (path: string, log: string): boolean => {
  try {
    const owner = processOwnerSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    const lives = owner.success ? livesStill(owner.data) : undefined;
    return lives === undefined ? isOld(path) && isOld(log) : !lives;
  } catch {
    // Gone, or no such file of ours.
    return isOld(path);
  }
};

const isOld = (path: string): boolean =>
  (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < systemClock.now() - FOREIGN_AGE_MS;
