import { z } from 'zod';
import { processIdentity, processSpace } from './local-cluster/process-identity.ts';

/** Of this process nobody can tell whether it lives. */
const UNKNOWN = 'unknown';

/** Whose something is that outlives a process that is killed. */
export const processOwnerSchema = z.object({
  pid: z.int().positive(),
  identity: z.string().min(1),
  space: z.string().min(1),
});

export type ProcessOwner = z.infer<typeof processOwnerSchema>;

/** This process, as it signs what is its own. */
export const ownProcess = (): ProcessOwner => {
  const identity = processIdentity(process.pid);
  return {
    pid: process.pid,
    identity: identity ?? UNKNOWN,
    space: identity === undefined ? UNKNOWN : processSpace(),
  };
};

/** `undefined`: nobody here can tell, it runs on another machine or in another container. */
export const livesStill = ({ pid, identity, space }: ProcessOwner): boolean | undefined =>
  space === processSpace() ? processIdentity(pid) === identity : undefined;
