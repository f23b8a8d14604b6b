import { messageOf, MillraceError } from '../foundation/common/errors.ts';
import { Configuration } from '../foundation/config/configuration.ts';
import { checkpointingOptions } from '../foundation/config/options/checkpointing-options.ts';
import { executionOptions } from '../foundation/config/options/execution-options.ts';
import type { JobDefinition, StreamGraphAndSettings } from '../pipeline/api/job.ts';
import type { CheckpointingPlan } from '../pipeline/graph/job-graph.ts';
import { translate } from '../pipeline/graph/translate.ts';
import type { Translation } from '../pipeline/graph/translate.ts';
import type { JobProgram } from '../runtime/protocol/task-commands.ts';
import { withBuilderEnvironment } from './builder-environment.ts';
import { loadJob } from './module-loader.ts';

export interface PlannedJob {
  readonly translation: Translation;
  /** The given configuration, with what the builder set over it. */
  readonly configuration: Configuration;
  readonly warnings: readonly string[];
}

export interface PlanOptions {
  /** Refuse that the builder reads variables that do not travel; for clusters. */
  readonly guardEnvironment?: boolean;
  /** What `program.configuration` was made from, for messages that say where a value comes from. */
  readonly configuration?: Configuration;
}

/** Runs the builder and translates what it drew. The same input gives the same job graph in every process. */
export const planJob = (
  definition: JobDefinition,
  program: Pick<JobProgram, 'args' | 'env' | 'configuration'>,
  options: PlanOptions = {},
): PlannedJob => {
  const given = options.configuration ?? Configuration.of(program.configuration, 'configuration');
  const built = withBuilderEnvironment({ env: program.env, isGuarded: options.guardEnvironment === true }, () =>
    build(definition, program),
  );
  const configuration = given.with(built.settings, 'the job');
  const name = configuration.get(executionOptions.jobName) ?? built.graph.name;
  const translation = translate(
    { ...built.graph, name },
    {
      defaultParallelism: configuration.get(executionOptions.parallelism),
      parallelism: parallelismOverrides(configuration),
      defaultMaxParallelism: configuration.get(executionOptions.maxParallelism),
      chaining: configuration.get(executionOptions.chaining),
      checkpointing: checkpointingPlan(configuration),
      settings: built.settings,
    },
  );
  return { translation, configuration, warnings: built.warnings };
};

/** Errors: BAD_OPTION. */
export const parallelismOverrides = (configuration: Configuration): ReadonlyMap<string, number> => {
  const { parallelismOverrides: option, parallelism } = executionOptions;
  return new Map(
    Object.entries(configuration.get(option) ?? {}).map(([id, text]) => {
      const value = parallelism.type.parse(text);
      if (value === undefined) {
        throw new MillraceError(
          'BAD_OPTION',
          `${option.key} gives operator ${id} the parallelism ${text}; allowed: ${parallelism.type.allowed}`,
        );
      }
      return [id, value];
    }),
  );
};

/** What a task thread does with a program: import it, build it, translate it. */
export const loadTranslation = async (program: JobProgram): Promise<Translation> => {
  const definition = await loadJob(program.modulePath);
  return planJob(definition, program).translation;
};

const build = (
  definition: JobDefinition,
  { args, configuration }: Pick<JobProgram, 'args' | 'configuration'>,
): StreamGraphAndSettings => {
  try {
    return definition.build(args, configuration);
  } catch (thrown) {
    if (thrown instanceof MillraceError) {
      throw thrown;
    }
    const kind = thrown instanceof Error && thrown.name !== 'Error' ? `${thrown.name}: ` : '';
    throw new MillraceError('BAD_JOB', `the builder of job '${definition.name}' threw: ${kind}${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
};

const checkpointingPlan = (configuration: Configuration): CheckpointingPlan | undefined => {
  const intervalMs = configuration.get(checkpointingOptions.interval);
  if (intervalMs === undefined) {
    return undefined;
  }
  return {
    intervalMs,
    mode: configuration.get(checkpointingOptions.mode) === 'at-least-once' ? 'at-least-once' : 'exactly-once',
    timeoutMs: configuration.get(checkpointingOptions.timeout),
    minPauseMs: configuration.get(checkpointingOptions.minPause),
    tolerableFailures: configuration.get(checkpointingOptions.tolerableFailures),
    numRetained: configuration.get(checkpointingOptions.numRetained),
    retention: configuration.get(checkpointingOptions.retention),
    incremental: configuration.get(checkpointingOptions.incremental),
    inlineThresholdBytes: configuration.get(checkpointingOptions.inlineThreshold),
  };
};
