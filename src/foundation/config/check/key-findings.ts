import { contradictionMessage, keyProblems, type KeyProblem, otherSpellingMessage } from '../check-configuration.ts';
import { besideMessage, unknownKeyMessage } from '../check-configuration.ts';
import { badValueMessage } from '../configuration.ts';
import type { CheckFacts } from './check-facts.ts';
import type { Finding } from './finding.ts';

/** What is said at every start too: wrong values, unknown keys, old names and other spellings. */
export const keyFindings = ({ configuration }: CheckFacts): readonly Finding[] =>
  keyProblems(configuration).map(findingOf);

const findingOf = (problem: KeyProblem): Finding => {
  switch (problem.kind) {
    case 'bad-value':
      return {
        code: 'BAD_VALUE',
        level: 'error',
        message: badValueMessage(problem.option, problem.entry),
        origin: problem.entry.origin,
        wayOut: `write a value that is allowed; millrace config explain ${problem.option.key}`,
      };
    case 'contradiction':
      return {
        code: 'CONTRADICTORY_KEYS',
        level: 'error',
        message: contradictionMessage(problem.option, problem.entries),
        origin: problem.entries[1].origin,
        wayOut: `write ${problem.option.key} with the value that is meant, and remove the other`,
      };
    case 'unknown':
      return {
        code: 'UNKNOWN_KEY',
        level: 'risk',
        message: unknownKeyMessage(problem.entry, problem.nearest),
        origin: problem.entry.origin,
        wayOut: problem.nearest === undefined ? 'remove it' : `write ${problem.nearest}`,
      };
    case 'old-name-beside':
      return {
        code: 'CONTRADICTORY_KEYS',
        level: 'risk',
        message: besideMessage(problem.counts, problem.entry),
        origin: problem.entry.origin,
        wayOut: `remove ${problem.entry.key}`,
      };
    default:
      return oldKeyFinding(problem);
  }
};

const oldKeyFinding = (
  problem: KeyProblem & { readonly kind: 'old-name' | 'other-spelling' | 'without-effect' },
): Finding => {
  const { key, origin } = problem.entry;
  switch (problem.kind) {
    case 'old-name':
      return {
        code: 'OLD_KEY',
        level: 'hint',
        message: `${key} is now ${problem.keys.join(' and ')}`,
        origin,
        wayOut: `write ${problem.keys.join(' and ')}`,
      };
    case 'other-spelling':
      return {
        code: 'NOT_A_FLINK_KEY',
        level: 'hint',
        message: otherSpellingMessage(problem.entry, problem.keys),
        origin,
        wayOut: `write ${problem.keys.join(' and ')}`,
      };
    case 'without-effect':
      return {
        code: 'KEY_WITHOUT_EFFECT',
        level: 'hint',
        message: `${key} has no effect in Millrace yet`,
        origin,
        wayOut: 'nothing needs to be done; it does no harm',
      };
  }
};
