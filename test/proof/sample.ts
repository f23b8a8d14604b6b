import type { DrillData, DrillRound, Proof } from './proof.ts';

/** A round of a drill in which the leader died and all went well. */
export const LEADER_ROUND: DrillRound = {
  ...{ round: 1, action: 'kill', role: 'leader', takeoverMs: 120, nextCheckpointMs: 800 },
  ...{ emitGapMs: 40, commitGapMs: 1_050, taskRestarts: 0 },
};

export const GREEN_DRILL: DrillData = {
  ...{ args: ['--kill', 'leader'], seed: 1, seconds: 7, verdict: 'green', findings: [], rounds: [LEADER_ROUND] },
  records: { expected: 1_500, committed: 1_500, lost: 0, doubled: 0, unexpected: 0, miscounted: 0 },
  quiet: { emitGapMs: 30, commitGapMs: 1_000 },
};

const model: Proof['model'] = {
  ...{ command: 'node test/model/check.ts', seconds: 40 },
  data: {
    rows: [
      { name: 'takeover', kind: 'sound', ok: true, states: 123_456, seconds: 12 },
      { name: 'takeover-undecided', kind: 'reach', ok: true, states: 99, seconds: 1, trail: 'leader: write' },
      { name: 'no-fence', kind: 'mutant', ok: true, states: 7, seconds: 1, violated: 'I1', trail: ['a', 'b'] },
    ],
  },
};

const simulation: Proof['simulation'] = {
  ...{ command: 'npm run simulate -- --seeds 10 --first 1 --coverage', seconds: 2 },
  data: {
    ...{ world: 'small', first: 1, processes: 2, minutes: 0.03, schedules: 10, counted: 9 },
    distributions: [{ name: 'faults', countsFrom: 2, min: 1, p5: 2, p50: 3, p95: 5, max: 5, bins: [1, 0, 3, 4, 0, 2] }],
    rareStates: [{ name: 'a false alarm', times: 4 }],
    ...{ missed: [], thin: [], violations: [] },
    points: ['submitting', 'any time'],
    faults: [{ name: 'leader dies', hits: [2, 17] }],
  },
};

/** What a small run comes to when all is well; tests change it. */
export const GREEN: Proof = {
  about: {
    ...{ began: '2026-01-02T03:04:05.000Z', seconds: 75, commit: 'abc123', isChanged: false },
    sizes: { seeds: 10, mutantSeeds: 20, drills: 1, first: 1 },
    machine: { cpu: 'A CPU', cores: 2, memoryBytes: 8 * 1_073_741_824, os: 'An OS', node: 'v24.0.0', loadBefore: 0.5 },
  },
  model,
  simulation,
  mutants: {
    ...{ command: 'npm run simulate -- --mutants --seeds 20 --first 1', seconds: 9 },
    data: {
      first: 1,
      mutants: [
        {
          ...{ name: 'no-fencing', breaks: 'a deposed leader is obeyed', invariant: 'I2', isCaught: true },
          ...{ seed: 4, message: 'I2: obeyed', schedules: 4, seconds: 2, others: {} },
        },
      ],
    },
  },
  sabotages: {
    ...{ command: 'npm run prove -- --only sabotages --first 1', seconds: 20 },
    data: {
      sabotages: [
        {
          ...{ name: 'commit-repeated', breaks: 'a commit is done twice', finds: 'doubled' },
          drill: { ...GREEN_DRILL, verdict: 'red', findings: [{ kind: 'doubled', text: '3 records' }] },
        },
        { name: 'slow', breaks: 'nothing', drill: GREEN_DRILL },
      ],
    },
  },
  drills: {
    ...{ command: 'npm run prove -- --only drills --drills 1 --first 1', seconds: 10 },
    data: { jobManagers: 3, taskManagers: 3, drills: [{ kind: 'leader killed', ...GREEN_DRILL }] },
  },
};
