import { seededRandom } from '../../src/foundation/common/random.ts';
import type { Kill } from './command-line.ts';

type CallOf = Omit<Extract<Kill, { kind: 'call' }>, 'kind' | 'nth'>;

const METADATA = String.raw`/_metadata$`;
const METADATA_BEING_WRITTEN = String.raw`/\._metadata\.\w+\.tmp$`;
const STATE_BEING_WRITTEN = String.raw`/(shared|chk-\d+)/\.\w+-\d+-\w+\.\w+\.tmp$`;
const PART_BEING_WRITTEN = String.raw`\.inprogress$`;
const COMMITTED_PART = String.raw`/out/part-\d+-\d+[^/]*$`;

/** Calls around which a process is killed: each comes with every checkpoint. */
const CALLS: readonly CallOf[] = [
  // The checkpoint becomes complete.
  { call: 'link', path: METADATA, when: 'before' },
  { call: 'link', path: METADATA, when: 'after' },
  { call: 'unlink', path: METADATA_BEING_WRITTEN, when: 'after' },
  { call: 'open', path: METADATA_BEING_WRITTEN, when: 'after' },
  { call: 'write', path: METADATA_BEING_WRITTEN, when: 'half' },
  { call: 'sync', path: METADATA_BEING_WRITTEN, when: 'before' },
  // State is written.
  { call: 'open', path: STATE_BEING_WRITTEN, when: 'before' },
  { call: 'write', path: STATE_BEING_WRITTEN, when: 'half' },
  { call: 'sync', path: STATE_BEING_WRITTEN, when: 'after' },
  { call: 'rename', path: STATE_BEING_WRITTEN, when: 'before' },
  { call: 'rename', path: STATE_BEING_WRITTEN, when: 'after' },
  // A part of the output is written, prepared, committed.
  { call: 'open', path: PART_BEING_WRITTEN, when: 'after' },
  { call: 'write', path: PART_BEING_WRITTEN, when: 'half' },
  { call: 'sync', path: PART_BEING_WRITTEN, when: 'before' },
  { call: 'sync', path: PART_BEING_WRITTEN, when: 'after' },
  { call: 'rename', path: PART_BEING_WRITTEN, when: 'before' },
  { call: 'rename', path: PART_BEING_WRITTEN, when: 'after' },
  { call: 'rename', path: COMMITTED_PART, when: 'before' },
  { call: 'rename', path: COMMITTED_PART, when: 'after' },
];

/** Calls that delete older checkpoints; the last of them come when the job has ended. */
const CLEANUP: readonly CallOf[] = [
  { call: 'unlink', path: METADATA, when: 'before' },
  { call: 'unlink', path: METADATA, when: 'after' },
];

export interface KillPlan {
  readonly seed: number;
  readonly job: 'words' | 'accounts' | 'sums';
  /** Checkpoints that are kept. */
  readonly retained: number;
  readonly kills: readonly Kill[];
  /** The kills that happen however fast the machine is. */
  readonly certain: number;
}

/**
 * What a seed does. The first 38 go through all calls, each in both of the jobs whose checkpoints are certain to come; the
 * rest cleans up, or is killed at any time, some of them again and again.
 */
export const killPlan = (seed: number): KillPlan => {
  const random = seededRandom(seed);
  const call = (one: CallOf, nth: number): Kill => ({ kind: 'call', ...one, nth });
  const any = (): CallOf => CALLS[random.int(CALLS.length)]!;
  const job = seed % 2 === 0 ? 'words' : 'accounts';
  const retained = 1 + random.int(3);
  if (seed < 2 * CALLS.length) {
    const first = call(CALLS[seed >> 1]!, 1 + random.int(4));
    const again = seed % 8 === 0;
    return {
      seed,
      job,
      retained,
      kills: again ? [first, call(any(), 1), call(any(), 1)] : [first],
      certain: again ? 3 : 1,
    };
  }
  const kind = seed % 3;
  if (kind === 0) {
    // Where all checkpoints are kept, the deletions come at the end of the job.
    const atEnd = seed % 2 === 0;
    const nth = 1 + random.int(atEnd ? 4 : 8);
    return {
      seed,
      job,
      retained: atEnd ? 100 : retained,
      kills: [call(CLEANUP[random.int(2)]!, nth)],
      certain: atEnd ? 1 : 0,
    };
  }
  const times = Array.from({ length: kind }, (): Kill => ({ kind: 'time', afterMs: 250 + random.int(600) }));
  return { seed, job: seed % 4 === 0 ? job : 'sums', retained, kills: [...times, call(any(), 1)], certain: 0 };
};
