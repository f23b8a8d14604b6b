export { ManualClock } from './manual-clock.ts';
export { OperatorHarness, type HarnessOptions, type HarnessOutput, type HarnessSnapshot } from './operator-harness.ts';
export { LocalJob, startJob, type StartJobOptions } from './local-job.ts';
