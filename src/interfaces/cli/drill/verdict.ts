import { execFile } from 'node:child_process';
import { z } from 'zod';
import { codeOf, MillraceError } from '../../../foundation/common/errors.ts';

const count = z.int().nonnegative();
const gap = z.union([z.number(), z.null()]);

const findingSchema = z.object({ kind: z.string(), text: z.string(), round: z.exactOptional(z.int()) });
/** Something that must not be; one is enough to turn a drill red. */
export type Finding = z.infer<typeof findingSchema>;

const verdictSchema = z.object({
  records: z.object({
    expected: count,
    committed: count,
    lost: count,
    doubled: count,
    unexpected: count,
    miscounted: count,
  }),
  quiet: z.object({ emitGapMs: gap, commitGapMs: gap }),
  rounds: z.array(z.object({ round: z.int(), emitGapMs: gap, commitGapMs: gap, taskStarts: count })),
  findings: z.array(findingSchema),
});
/** What the verifier counted in the files of a drill. */
export type Verdict = z.infer<typeof verdictSchema>;

const OUTPUT_BYTES_MAX = 64 * 1_048_576;

/** Runs the verifier, a program of its own. Errors: PROTOCOL when it does not judge. */
export const verify = (verifier: string, folder: string): Promise<Verdict> =>
  new Promise((resolve, reject) => {
    const args = [verifier, folder];
    execFile(process.execPath, args, { maxBuffer: OUTPUT_BYTES_MAX }, (error, stdout, stderr) => {
      try {
        resolve(verdictSchema.parse(JSON.parse(stdout)));
      } catch {
        const reason =
          stderr.trim() || (error === null ? 'what it says cannot be read' : (codeOf(error) ?? error.message));
        reject(new MillraceError('PROTOCOL', `the verifier did not judge the files of ${folder}: ${reason}`));
      }
    });
  });
