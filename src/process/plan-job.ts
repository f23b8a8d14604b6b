import { Configuration } from '../foundation/config/configuration.ts';
import { checkpointingOptions } from '../foundation/config/options/checkpointing-options.ts';
import { executionOptions } from '../foundation/config/options/execution-options.ts';
import type { JobDefinition } from '../pipeline/api/job.ts';
import type { CheckpointingPlan } from '../pipeline/graph/job-graph.ts';
import { translate } from '../pipeline/graph/translate.ts';
import type { Translation } from '../pipeline/graph/translate.ts';
import type { JobProgram } from '../runtime/protocol/task-commands.ts';
import { loadJob } from './module-loader.ts';

export interface PlannedJob {
  readonly translation: Translation;
  /** The given configuration, with what the builder set over it. */
  readonly configuration: Configuration;
  readonly warnings: readonly string[];
}

/** Runs the builder and translates what it drew. The same input gives the same job graph in every process. */
export const planJob = (
  definition: JobDefinition,
  args: readonly string[],
  given: Readonly<Record<string, string>>,
): PlannedJob => {
  const built = definition.build(args, given);
  const configuration = Configuration.of(given, 'configuration').with(built.settings, 'the job');
  const translation = translate(built.graph, {
    defaultParallelism: configuration.get(executionOptions.parallelism),
    defaultMaxParallelism: configuration.get(executionOptions.maxParallelism),
    chaining: configuration.get(executionOptions.chaining),
    checkpointing: checkpointingPlan(configuration),
    settings: built.settings,
  });
  return { translation, configuration, warnings: built.warnings };
};

/** What a task thread does with a program: import it, build it, translate it. */
export const loadTranslation = async (program: JobProgram): Promise<Translation> => {
  const definition = await loadJob(program.modulePath);
  return planJob(definition, program.args, program.configuration).translation;
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
