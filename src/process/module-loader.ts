import { accessSync, constants } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { codeOf, messageOf, MillraceError } from '../foundation/common/errors.ts';
import { nearestOf } from '../foundation/config/nearest.ts';
import { installation, isMillraceSpecifier } from '../interfaces/cli/bundle/installation.ts';
import { shownPath } from '../interfaces/cli/bundle/shown-path.ts';
import { formatFrame, userFrames } from '../interfaces/cli/bundle/user-frames.ts';
import type { JobDefinition } from '../pipeline/api/job.ts';
import { installModuleHooks } from './module-hooks.ts';

export { installModuleHooks };

const EXAMPLE = `
    import { job } from 'millrace';
    export default job('my-job', (env) => {
      env.from(...).map(...).print();
    });`;

/**
 * Imports a bundle (or any module) and returns the job that it exports. `file` is what people know it by.
 *
 * Errors: FILE_NOT_FOUND, FILESYSTEM; BAD_JOB when it exports no job, or throws while it is imported (with the user's file and line).
 */
export const loadJob = async (modulePath: string, file?: string): Promise<JobDefinition> => {
  const jobFile = file === undefined ? 'the job file' : `the job file ${shownPath(file)}`;
  requireReadable(modulePath);
  installModuleHooks();
  const loaded = await importModule(modulePath, jobFile);
  const exported = loaded['default'];
  if (!('default' in loaded)) {
    const names = Object.keys(loaded);
    const found = names.length === 0 ? 'exports nothing' : `exports only ${names.join(', ')}`;
    throw new MillraceError('BAD_JOB', `${jobFile} has no default export (it ${found}); expected${EXAMPLE}`);
  }
  if (!isJob(exported)) {
    throw new MillraceError('BAD_JOB', `the default export of ${jobFile} is ${describe(exported)}; expected${EXAMPLE}`);
  }
  return exported;
};

/** A process of a cluster that does not see the folder of the bundles says so, in place of failing somehow. */
const requireReadable = (modulePath: string): void => {
  try {
    accessSync(modulePath, constants.R_OK);
  } catch (thrown) {
    const isMissing = codeOf(thrown) === 'ENOENT';
    const problem = isMissing ? 'does not exist' : `cannot be read (${messageOf(thrown)})`;
    throw new MillraceError(
      isMissing ? 'FILE_NOT_FOUND' : 'FILESYSTEM',
      `the job's module ${modulePath} ${problem}; where the job runs in a cluster, all processes have to see the folder of ` +
        'high-availability.storageDir under the same path',
      { cause: thrown, retryable: true },
    );
  }
};

const isJob = (value: unknown): value is JobDefinition =>
  typeof value === 'object' &&
  value !== null &&
  (value as Partial<JobDefinition>).kind === 'millrace-job' &&
  typeof (value as Partial<JobDefinition>).build === 'function';

const describe = (value: unknown): string => {
  if (typeof value === 'function') {
    return value.toString().startsWith('class')
      ? `the class ${value.name}`
      : `a function${value.name === '' || value.name === 'default' ? '' : ` (${value.name})`}`;
  }
  if (value instanceof Promise) {
    return 'a promise';
  }
  if (Array.isArray(value)) {
    return 'an array';
  }
  if (typeof value === 'object' && value !== null) {
    const name = value.constructor?.name ?? 'Object';
    return name === 'Object' ? 'a plain object' : `an object of class ${name}`;
  }
  return value === undefined || value === null ? String(value) : `a ${typeof value}`;
};

const importModule = async (modulePath: string, jobFile: string): Promise<Readonly<Record<string, unknown>>> => {
  try {
    return (await import(pathToFileURL(modulePath).href)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof MillraceError) {
      throw error;
    }
    throw (await missingExport(error)) ?? importFailure(error, jobFile);
  }
};

const importFailure = (error: unknown, jobFile: string): MillraceError => {
  const [frame] = error instanceof Error && error.stack !== undefined ? userFrames(error.stack) : [];
  const place = frame === undefined ? '' : `\n    at ${formatFrame(frame)}`;
  const code = codeOf(error);
  const kind = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
  const suffix = code === undefined ? '' : ` (${code})`;
  return new MillraceError(
    'BAD_JOB',
    `${jobFile} threw while it was loaded: ${kind}${messageOf(error)}${suffix}${place}`,
    { cause: error },
  );
};

/** An import of a name that the installation does not export: said with what was probably meant. */
const missingExport = async (error: unknown): Promise<MillraceError | undefined> => {
  const match = /^The requested module '(?<module>[^']+)' does not provide an export named '(?<name>[^']+)'/.exec(
    error instanceof SyntaxError ? error.message : '',
  );
  const { module, name } = match?.groups ?? {};
  const url = module !== undefined && isMillraceSpecifier(module) ? installation().resolve(module) : undefined;
  if (url === undefined || name === undefined) {
    return undefined;
  }
  const names = Object.keys((await import(url)) as object);
  const nearest = nearestOf(name, names);
  const hint =
    nearest === undefined
      ? `it exports ${names.toSorted((a, b) => a.localeCompare(b)).join(', ')}`
      : `did you mean ${nearest}?`;
  return new MillraceError('BAD_JOB', `the job imports ${name} from '${module}', which does not export it; ${hint}`, {
    cause: error,
  });
};
