export { ManualClock } from './manual-clock.ts';
export { OperatorHarness, type HarnessOptions, type HarnessOutput, type HarnessSnapshot } from './operator-harness.ts';
export { startJob, type LocalJob, type StartJobOptions } from './local-job.ts';
