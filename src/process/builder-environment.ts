import { MillraceError } from '../foundation/common/errors.ts';

export interface BuilderEnvironmentOptions {
  /** The values that travel with the job: those of `--env NAME`. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * On a cluster the builder runs on machines whose variables differ: reading one that does not travel is an error. In
   * one process all see the same.
   */
  readonly isGuarded: boolean;
}

/** Read by libraries everywhere; a graph that depends on them shows as another graph in the worker. */
const HARMLESS: ReadonlySet<string> = new Set(['NODE_ENV', 'NODE_DEBUG', 'DEBUG', 'NO_COLOR', 'FORCE_COLOR']);

/**
 * Runs a job's builder with `process.env` as it is for this job: the same in every process that builds it.
 *
 * Errors: BAD_JOB when the environment is guarded and the builder reads a variable that does not travel.
 */
export const withBuilderEnvironment = <R>(options: BuilderEnvironmentOptions, build: () => R): R => {
  const before = process.env;
  process.env = builderEnvironment(before, options);
  try {
    return build();
  } finally {
    process.env = before;
  }
};

/** `process.env` as a builder sees it. */
export const builderEnvironment = (
  real: Readonly<Record<string, string | undefined>>,
  { env, isGuarded }: BuilderEnvironmentOptions,
): NodeJS.ProcessEnv => {
  if (!isGuarded) {
    return { ...real, ...env };
  }
  const seen: Record<string, string | undefined> = { ...env };
  for (const name of HARMLESS) {
    if (real[name] !== undefined) {
      seen[name] ??= real[name];
    }
  }
  const check = (target: object, name: string | symbol): void => {
    // What the builder sets itself it may read.
    if (
      typeof name === 'string' &&
      !Object.hasOwn(target, name) &&
      !HARMLESS.has(name) &&
      !(name in Object.prototype)
    ) {
      throw new MillraceError(
        'BAD_JOB',
        `the builder reads the environment variable ${name}, which may differ on each machine of the cluster, so that they ` +
          `would build different jobs; run with --env ${name}, then its value travels with the job`,
      );
    }
  };
  return new Proxy(seen, {
    get: (target, name) => {
      check(target, name);
      return Reflect.get(target, name) as unknown;
    },
    has: (target, name) => {
      check(target, name);
      return Reflect.has(target, name);
    },
  });
};
