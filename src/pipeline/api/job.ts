import { MillraceError } from '../../foundation/common/errors.ts';
import type { StreamGraph } from '../graph/stream-graph.ts';
import { GraphBuilder } from './graph-builder.ts';
import { streamClasses } from './stream-classes.ts';
import { StreamExecutionEnvironment } from './stream-execution-environment.ts';

/** What a builder drew. */
export interface StreamGraphAndSettings {
  readonly graph: StreamGraph;
  /** What the builder set in code, by configuration key. */
  readonly settings: Readonly<Record<string, string>>;
  /** Shown once, at submission. */
  readonly warnings: readonly string[];
}

/** The default export of a job's file. */
export interface JobDefinition {
  readonly kind: 'millrace-job';
  readonly name: string;
  /**
   * Runs the builder. Each process that runs the job does, and has to get the same graph from the same arguments and
   * configuration.
   *
   * @throws BAD_JOB when the builder draws a job that cannot run; whatever the builder throws.
   */
  build(args: readonly string[], configuration: Readonly<Record<string, string>>): StreamGraphAndSettings;
}

/** What the compiler shows where a builder is async. */
type SynchronousBuilder<R> =
  Extract<R, PromiseLike<unknown>> extends never
    ? R
    : 'the builder is synchronous: it draws the job, sources and functions do the work';

/**
 * Defines a job. The builder gets the arguments that follow the file on the command line.
 *
 * ```ts
 * import { job } from 'millrace';
 * import { sequence } from 'millrace/connectors/generator';
 *
 * export default job('ha-demo', (env, args) => {
 *   env.enableCheckpointing({ interval: '5s', mode: 'exactly-once' });
 *   env.from(sequence({ every: '100ms' })).countWindowAll(Number(args[0] ?? 100)).sum().print();
 * });
 * ```
 */
export const job = <R>(
  name: string,
  builder: (env: StreamExecutionEnvironment, args: readonly string[]) => SynchronousBuilder<R>,
): JobDefinition => {
  if (typeof name !== 'string' || name === '') {
    throw new MillraceError('BAD_JOB', "a job needs a name: job('my-job', (env) => ...)");
  }
  if (typeof builder !== 'function') {
    throw new MillraceError('BAD_JOB', `job '${name}' needs a builder: job('${name}', (env) => ...)`);
  }
  return {
    kind: 'millrace-job',
    name,
    build: (args, configuration) => {
      const draw = (): GraphBuilder => {
        const drawn = new GraphBuilder({ jobName: name, streams: streamClasses, configuration, drawAgain: draw });
        checkReturned(name, builder(new StreamExecutionEnvironment(drawn), args));
        drawn.finish();
        return drawn;
      };
      const { nodes, settings, warnings } = draw();
      return { graph: { name, nodes }, settings, warnings };
    },
  };
};

/** The compiler sees it too, unless the job is not checked. */
const checkReturned = (name: string, returned: unknown): void => {
  if (typeof returned === 'object' && returned !== null && 'then' in returned) {
    throw new MillraceError(
      'BAD_JOB',
      `the builder of job '${name}' is async, so what it draws after its first await is lost; draw the job ` +
        'synchronously and leave the waiting to sources and functions',
    );
  }
};
