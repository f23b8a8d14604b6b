import { createHash } from 'node:crypto';
import { messageOf } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import { decodeValue } from '../../../foundation/serialization/value-codec.ts';
import type { JobSubmission } from '../cluster-gateway.ts';
import { RestError } from '../rest-error.ts';
import { submissionSchema, type SubmissionBody, type SubmittedBody } from '../schema/submission-schema.ts';
import { ok, type Route } from './route.ts';

export const submissionRoute: Route = {
  method: 'POST',
  path: '/jobs',
  isLarge: true,
  handle: async (request, { gateway }) => {
    const submission = submissionOf(await request.body(submissionSchema));
    const { notes } = await gateway.submit(submission);
    const body: SubmittedBody = { jobid: submission.jobId, submitUrl: `/jobs/${submission.jobId}`, notes: [...notes] };
    return ok(body, 202);
  },
};

/** Errors: 400 for a graph that is none, and for a bundle that was changed on its way. */
const submissionOf = ({ jobId, jobGraph, bundle, args, env, configuration }: SubmissionBody): JobSubmission => {
  if (createHash('sha256').update(bundle.code).digest('hex') !== bundle.hash) {
    throw new RestError(400, 'the bundle does not have the hash that came with it; submit the job again');
  }
  return { jobId: jobId as JobId, graph: graphOf(jobGraph), bundle, args, env, configuration };
};

const graphOf = (base64: string): JobSubmission['graph'] => {
  let graph: unknown;
  try {
    graph = decodeValue(Buffer.from(base64, 'base64'));
  } catch (error) {
    throw new RestError(400, `the job graph cannot be read: ${messageOf(error)}; do both sides run the same version?`);
  }
  if (!isGraph(graph)) {
    throw new RestError(400, 'what came as job graph is none; do both sides run the same version?');
  }
  return graph;
};

/** Its fingerprint is compared where it is deployed, by whoever runs the builder again. */
const isGraph = (value: unknown): value is JobSubmission['graph'] =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  typeof value.name === 'string' &&
  'fingerprint' in value &&
  typeof value.fingerprint === 'string' &&
  'vertices' in value &&
  Array.isArray(value.vertices) &&
  value.vertices.length > 0 &&
  'edges' in value &&
  Array.isArray(value.edges);
