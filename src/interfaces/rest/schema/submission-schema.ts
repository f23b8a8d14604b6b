import { z } from 'zod';
import { jobIdSchema } from './job-state.ts';

const texts = z.record(z.string().max(1024), z.string().max(1_048_576));

/** `POST /jobs`: Millrace's own, as jobs are modules here. */
export const submissionSchema = z.strictObject({
  /** Chosen by the client: the same submission again is the same job. */
  jobId: jobIdSchema,
  /** The job graph in the value format, as base64: plain JSON would lose what it cannot say. */
  jobGraph: z.base64().max(64 * 1_048_576),
  bundle: z.strictObject({
    code: z.string().min(1),
    /** SHA-256 of the code, in hex. */
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  args: z.array(z.string().max(1_048_576)).max(10_000),
  /** Values of `--env NAME`. */
  env: texts,
  configuration: texts,
});
export type SubmissionBody = z.infer<typeof submissionSchema>;

export const submittedSchema = z.object({
  jobid: jobIdSchema,
  submitUrl: z.string(),
  /** For who submits: where checkpoints go, warnings. */
  notes: z.array(z.string()),
});
export type SubmittedBody = z.infer<typeof submittedSchema>;
