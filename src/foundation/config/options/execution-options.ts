import { booleanType, durationType, integerType, mapType, stringType } from '../option-type.ts';
import { option } from '../option.ts';

/** The shape and pace of a job. */
export const executionOptions = {
  parallelism: option(integerType({ min: 1, max: 32_768 }), {
    key: 'parallelism.default',
    default: '1',
    description: 'Parallelism of operators that set none.',
  }),
  parallelismOverrides: option(mapType, {
    key: 'pipeline.jobvertex-parallelism-overrides',
    description:
      'Parallelism of operators over what the job says, as `id:parallelism`; a vertex has the id of its first operator. A rescale ' +
      'keeps here what it changed.',
  }),
  target: option(stringType, {
    key: 'execution.target',
    description:
      'Where the command line runs jobs and looks for them: `local`, in its own process; `remote`, in a cluster. Unset: in a cluster ' +
      'where `high-availability.type` is set, else in its own process.',
  }),
  jobName: option(stringType, {
    key: 'pipeline.name',
    description: "The job's name in lists and logs, in place of the one in its code.",
  }),
  maxParallelism: option(integerType({ min: 1, max: 32_768, aliases: { '-1': 128 } }), {
    key: 'pipeline.max-parallelism',
    default: '128',
    description:
      'Number of key groups, and so the highest parallelism that keyed state can be rescaled to. It is fixed for the ' +
      "life of a job's state.",
    differs: {
      flink: '-1 (128 or more, from the parallelism)',
      here: '128',
      reason: 'a change of the parallelism never changes the key groups',
    },
  }),
  autoWatermarkInterval: option(durationType, {
    key: 'pipeline.auto-watermark-interval',
    default: '200 ms',
    description: 'How often watermarks are emitted; 0 emits none but those that sources mark themselves.',
  }),
  chaining: option(booleanType, {
    key: 'pipeline.operator-chaining.enabled',
    deprecatedKeys: ['pipeline.operator-chaining'],
    default: 'true',
    description: 'Run operators that need no exchange between them in one task, by plain calls.',
  }),
  bufferTimeoutEnabled: option(booleanType, {
    key: 'execution.buffer-timeout.enabled',
    default: 'true',
    description: 'Send a buffer that is not full when `execution.buffer-timeout.interval` has passed.',
  }),
  bufferTimeout: option(durationType, {
    key: 'execution.buffer-timeout.interval',
    deprecatedKeys: ['execution.buffer-timeout'],
    default: '100 ms',
    description:
      'The longest a record waits in a buffer that is not full; 0 sends each record at once. A task that has nothing to do sends it earlier.',
  }),
};
