import { MillraceError } from '../../foundation/common/errors.ts';
import type { JobGraph } from './job-graph.ts';

/**
 * Every thread that runs code of a job builds its graph again. Errors: GRAPH_MISMATCH when it came out differently here
 * than at submission.
 */
export const requireSameGraph = (submitted: JobGraph, here: JobGraph): void => {
  if (here.fingerprint !== submitted.fingerprint) {
    throw new MillraceError(
      'GRAPH_MISMATCH',
      `the builder of job '${submitted.name}' drew another graph in this thread than at submission; it must depend on its ` +
        `arguments only, not on time, random numbers, files or the environment (${difference(submitted, here)})`,
    );
  }
};

const difference = (submitted: JobGraph, here: JobGraph): string => {
  const names = (graph: JobGraph): string =>
    graph.vertices.map((each) => `${each.name} x${each.parallelism}`).join(', ');
  const [was, is] = [names(submitted), names(here)];
  return was === is ? 'the operators are the same, their ids or edges differ' : `there: ${was}; here: ${is}`;
};
