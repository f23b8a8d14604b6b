import { z } from 'zod';

const name = z.string().min(1).max(1024);
const count = z.int().nonnegative();

/** A port, and who should answer there. */
export const probeTargetSchema = z.object({
  port: z.enum(['rpc', 'data', 'rest']),
  /** `host:port`; of a REST endpoint its URL. */
  address: name,
  /** Of the process. */
  instanceId: name,
  /** Of a data port: each task thread has one. */
  thread: z.exactOptional(count),
});
export type ProbeTarget = z.infer<typeof probeTargetSchema>;

/** Why a port counts as not reached. */
export const PROBE_PROBLEMS = [
  'refused',
  'timeout',
  'no-route',
  'unknown-host',
  'tls',
  'other-cluster',
  'other-process',
  'other-version',
  'no-answer',
] as const;

export const probeOutcomeSchema = z.object({
  /** Missing: it was reached, and whoever should answers there. */
  problem: z.exactOptional(z.enum(PROBE_PROBLEMS)),
  detail: z.exactOptional(z.string()),
});
export type ProbeOutcome = z.infer<typeof probeOutcomeSchema>;

export const probeReplySchema = z.object({
  /** The same for processes that share a network: then a loopback address of one means the same to the other. */
  network: name,
  /** In the order of the targets. */
  outcomes: z.array(probeOutcomeSchema),
});
export type ProbeReply = z.infer<typeof probeReplySchema>;

/** Tries ports from this process; never rejects. */
export type ProbePorts = (targets: readonly ProbeTarget[]) => Promise<ProbeReply>;

const processSchema = z.object({
  /** Of a TaskManager its resource id, of a JobManager the address of its control plane. */
  name,
  role: z.enum(['jobmanager', 'taskmanager']),
  instanceId: name,
  /** Missing: it could not be asked. */
  network: z.exactOptional(name),
  ports: z.array(probeTargetSchema),
});
export type ReachableProcess = z.infer<typeof processSchema>;

/** What the processes of a cluster reach of each other. */
export const reachabilitySchema = z.object({
  processes: z.array(processSchema),
  checks: z.array(
    z.object({
      /** Instance id. */
      from: name,
      /** Why it could not be asked. */
      failure: z.exactOptional(z.string()),
      tried: z.array(z.object({ target: probeTargetSchema, outcome: probeOutcomeSchema })),
    }),
  ),
});
export type Reachability = z.infer<typeof reachabilitySchema>;
