/** What a run of the model has to end in. */
export interface Check {
  readonly name: string;
  readonly kind: 'sound' | 'reach' | 'mutant';
  /** Macros of `takeover.pml`. */
  readonly defines: readonly string[];
  /** Of a mutant: one of these has to be violated. Left out: any, `reach` wants its own place. */
  readonly violates?: readonly string[];
  readonly about: string;
}

/** Each row is searched to its end: all orders of everything that can happen within the bounds. */
const SOUND: readonly Check[] = [
  {
    name: 'a TaskManager dies',
    kind: 'sound',
    defines: ['DEATHS=1', 'GIVEUPS=0', 'BREAKS=0'],
    about: '3 grants, 2 checkpoint ids, a death',
  },
  {
    name: 'a living TaskManager is given up',
    kind: 'sound',
    defines: ['DEATHS=0', 'GIVEUPS=1', 'BREAKS=0'],
    about: '3 grants, 2 checkpoint ids, a reconcile timeout that was too short',
  },
  {
    name: 'a connection breaks',
    kind: 'sound',
    defines: ['DEATHS=0', 'GIVEUPS=0', 'BREAKS=1'],
    about: '3 grants, 2 checkpoint ids, messages lost both ways',
  },
];

const QUIET = ['DEATHS=0', 'GIVEUPS=0', 'BREAKS=0', 'NO_REST'];
const WITH_DEATH = ['DEATHS=1', 'GIVEUPS=0', 'BREAKS=0', 'NO_REST'];
const WITH_GIVE_UP = ['DEATHS=0', 'GIVEUPS=1', 'BREAKS=0', 'NO_REST'];

const reach = (place: string, about: string, faults: readonly string[] = QUIET): Check => ({
  name: about,
  kind: 'reach',
  defines: [`REACH=${place}`, ...faults],
  about: place,
});

/** Situations without which the sound runs would prove nothing: each has to be found. */
const REACHED: readonly Check[] = [
  reach('COMPLETE', 'a checkpoint completes'),
  reach('UNDECIDED', 'the answer of a pointer write is lost'),
  reach('LANDED', 'a read finds that the write without an answer arrived'),
  reach('DEPOSED', 'a leader is deposed while a checkpoint is undecided'),
  reach('REFUSED', 'the pointer write of a deposed leader is refused'),
  reach('ADOPTED', 'a successor takes all tasks over and restarts nothing'),
  reach('RESTARTED', 'a successor restarts the region'),
  reach('STRAY', 'something runs that nobody wants'),
  reach('LATER', 'what an aborted checkpoint prepared goes with a later one'),
  reach('OLD_ACK', 'an acknowledgement of an old generation arrives while a checkpoint is pending', WITH_DEATH),
  reach('ZOMBIE', 'an attempt of an old generation starts after a newer one was recorded', WITH_GIVE_UP),
];

const mutant = (
  define: string,
  violates: readonly string[],
  about: string,
  faults: readonly string[] = WITH_DEATH,
): Check => ({ name: define, kind: 'mutant', defines: [define, ...faults], violates, about });

const MUTANTS: readonly Check[] = [
  mutant('NO_FENCING', ['I2'], 'a TaskManager obeys a deposed leader', QUIET),
  mutant('COMMIT_EARLY', ['I4'], 'sinks commit before the pointer is written', QUIET),
  mutant('LOST_REFUSED', ['I3', 'I11'], 'a pointer write without an answer is taken as not written (R2)', QUIET),
  mutant('LOST_ACCEPTED', ['I4'], 'a pointer write without an answer is taken as written (R2)', QUIET),
  mutant('RESTORE_UNDECIDED', ['I10', 'I11'], 'a region chooses what to restore while a checkpoint is undecided (R2)'),
  mutant('MIXED_GENERATIONS', ['I10'], 'a task restarts alone, beside one of the generation before (R1)'),
  mutant('OLD_ACKS', ['I10'], 'acknowledgements of an old generation count (R1)'),
  mutant('ABORT_ROLLS_BACK', ['I6'], 'an abort drops what was prepared, although the task goes on (R3)', QUIET),
  mutant('SAME_NAMES', ['R3', 'I6'], 'two generations prepare under one name (R3)', WITH_GIVE_UP),
  mutant('ABORT_ALL', ['I6'], 'a restore aborts what later generations prepared, too (R3)', WITH_GIVE_UP),
  mutant(
    'DEPOSED_SETTLES',
    ['I3'],
    'who lost leadership while undecided reads, and gives up what is not there (R2)',
    QUIET,
  ),
  mutant('ID_LATE', ['I5'], 'a checkpoint is triggered before its id is stored (R10)', QUIET),
  mutant('READ_FIRST', ['I9', 'I11'], 'a new leader reads before it is granted leadership (R14)', QUIET),
  mutant('RESTART_ALL', ['I9'], 'a new leader restarts what runs', QUIET),
];

export const CHECKS: readonly Check[] = [...SOUND, ...REACHED, ...MUTANTS];
