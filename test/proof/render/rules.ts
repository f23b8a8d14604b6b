import type { Html } from './html.ts';
import { table } from './table.ts';

/** What the simulation checks after each step, as docs/simulation.md has it. */
const RULES: Readonly<Record<string, string>> = {
  I1: 'what a leader wrote that leads no more does not count',
  I2: 'a TaskManager takes no command of an older leader than one that it has obeyed',
  I3: 'what the store points to exists, as long as it points there',
  I4: 'nothing is announced as complete before the store points to it',
  I5: 'ids of checkpoints and of generations of tasks only grow',
  I6: 'each record is written, once, and counted with the right state',
  I8: 'jobs end within the time that faults may cost, and do not fail',
  I9: 'while only JobManagers fail, no task starts again',
  I11: 'no task restores what is older than a checkpoint that was announced',
  I12: 'what a client was told stays so',
  I13: 'at rest no transaction is open',
  R1: 'a subtask runs once at a time',
  R3: 'a transaction is used once',
  R6: 'an increment is based on a checkpoint that is complete',
  R10: 'the id of a checkpoint is stored before it is triggered',
};

/** The words for these names; a name that has none stands alone. */
export const rulesTable = (names: Iterable<string>): Html => {
  const known = Object.keys(RULES);
  const shown = [...new Set(names)].toSorted((one, other) => known.indexOf(one) - known.indexOf(other));
  return table(
    'The rules',
    [{ head: 'Rule' }, { head: '', isText: true }],
    shown.map((name) => ({ cells: [name, RULES[name] ?? ''] })),
  );
};

/** Numbers of requirements are for those who have the design at hand. */
export const withoutRequirement = (breaks: string): string => breaks.replace(/^R\d+(?:, R\d+)*: /, '');
