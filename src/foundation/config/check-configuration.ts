import { badValueMessage, type ConfigEntry, type Configuration } from './configuration.ts';
import { ALL_OPTIONS, meaningOf } from './option-registry.ts';
import { rawText } from './option-type.ts';
import type { AnyOption } from './option.ts';

export interface ConfigurationFindings {
  /** Values that are not allowed, and keys that contradict each other. */
  readonly errors: readonly string[];
  /** What the user probably did not mean. */
  readonly warnings: readonly string[];
  /** What is worth one line: old names, other spellings, keys without effect. */
  readonly hints: readonly string[];
}

/** What is to be said about the keys and values of a configuration, as data. */
export type KeyProblem =
  | { readonly kind: 'bad-value'; readonly option: AnyOption; readonly entry: ConfigEntry }
  | { readonly kind: 'unknown'; readonly entry: ConfigEntry; readonly nearest: string | undefined }
  | { readonly kind: 'old-name'; readonly entry: ConfigEntry; readonly keys: readonly string[] }
  | { readonly kind: 'other-spelling'; readonly entry: ConfigEntry; readonly keys: readonly string[] }
  | { readonly kind: 'without-effect'; readonly entry: ConfigEntry }
  /** Two names of one option, one of them never a key of Flink's, with different values. */
  | {
      readonly kind: 'contradiction';
      readonly option: AnyOption;
      readonly entries: readonly [ConfigEntry, ConfigEntry];
    }
  | { readonly kind: 'old-name-beside'; readonly counts: ConfigEntry; readonly entry: ConfigEntry };

/** Keys that are named in a hint before it says how many more there are. */
const SHOWN_KEYS = 6;

export const checkConfiguration = (configuration: Configuration): ConfigurationFindings => {
  const errors: string[] = [];
  const warnings: string[] = [];
  const otherSpellings: string[] = [];
  const withoutEffect: string[] = [];
  const renamed: string[] = [];

  for (const problem of keyProblems(configuration)) {
    switch (problem.kind) {
      case 'bad-value':
        errors.push(badValueMessage(problem.option, problem.entry));
        break;
      case 'contradiction':
        errors.push(contradictionMessage(problem.option, problem.entries));
        break;
      case 'unknown':
        warnings.push(unknownKeyMessage(problem.entry, problem.nearest));
        break;
      case 'old-name-beside':
        warnings.push(besideMessage(problem.counts, problem.entry));
        break;
      case 'old-name':
        renamed.push(`${problem.entry.key} is now ${problem.keys.join(' and ')}`);
        break;
      case 'other-spelling':
        otherSpellings.push(otherSpellingMessage(problem.entry, problem.keys));
        break;
      case 'without-effect':
        withoutEffect.push(problem.entry.key);
    }
  }

  const hints: string[] = [...otherSpellings];
  if (renamed.length > 0) {
    hints.push(`old names: ${shortList(renamed)}`);
  }
  if (withoutEffect.length > 0) {
    const noun = withoutEffect.length === 1 ? 'key has' : 'keys have';
    hints.push(`${withoutEffect.length} ${noun} no effect in Millrace yet: ${shortList(withoutEffect)}`);
  }
  return { errors, warnings, hints };
};

/** In the order of the entries, then of the options. */
export const keyProblems = (configuration: Configuration): readonly KeyProblem[] => [
  ...configuration.entries().flatMap(problemsOfKey),
  ...ALL_OPTIONS.flatMap((option) => problemsOfValue(configuration, option)),
];

const problemsOfKey = (entry: ConfigEntry): readonly KeyProblem[] => {
  const meaning = meaningOf(entry.key);
  switch (meaning.kind) {
    case 'unknown':
      return [{ kind: 'unknown', entry, nearest: meaning.nearest }];
    case 'flink':
      return [{ kind: 'without-effect', entry }];
    case 'option': {
      const problems: KeyProblem[] = [];
      const keys = meaning.options.map(({ key }) => key);
      if (meaning.isDeprecated) {
        problems.push({ kind: 'old-name', entry, keys });
      }
      if (meaning.isOtherSpelling) {
        problems.push({ kind: 'other-spelling', entry, keys });
      }
      if (!meaning.options.some(({ isUsed }) => isUsed)) {
        problems.push({ kind: 'without-effect', entry });
      }
      return problems;
    }
  }
};

const problemsOfValue = (configuration: Configuration, option: AnyOption): readonly KeyProblem[] => {
  const entry = configuration.entry(option);
  if (entry === undefined) {
    return [];
  }
  const problems: KeyProblem[] = [];
  if (option.isUsed && option.type.parse(entry.value) === undefined) {
    problems.push({ kind: 'bad-value', option, entry });
  }
  const [counts, ...others] = configuration.namesakes(option);
  for (const other of others) {
    if (counts === undefined || isSame(option, counts, other)) {
      continue;
    }
    const isForeign = [counts, other].some(({ key }) => option.otherSpellings.includes(key));
    problems.push(
      isForeign
        ? { kind: 'contradiction', option, entries: [counts, other] }
        : { kind: 'old-name-beside', counts, entry: other },
    );
  }
  return problems;
};

/** Also where the same is written differently: `1000` and `1 s`. */
const isSame = (option: AnyOption, a: ConfigEntry, b: ConfigEntry): boolean =>
  meaningText(option, a) === meaningText(option, b);

const meaningText = (option: AnyOption, { value }: ConfigEntry): string => {
  const parsed = option.type.parse(value);
  return parsed === undefined ? rawText(value) : option.type.format(parsed);
};

export const unknownKeyMessage = (entry: ConfigEntry, nearest: string | undefined): string =>
  `unknown key ${entry.key} (${entry.origin})${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;

export const otherSpellingMessage = ({ key, origin }: ConfigEntry, keys: readonly string[]): string =>
  `${key} (${origin}) is not a Flink key, read as ${keys.join(' and ')}`;

export const contradictionMessage = (option: AnyOption, [a, b]: readonly [ConfigEntry, ConfigEntry]): string => {
  const shown = ({ key, origin, value }: ConfigEntry): string =>
    `${key} (${origin}) is ${JSON.stringify(rawText(value))}`;
  return `${shown(a)} and ${shown(b)}, and both mean ${option.key}; write only ${option.key}`;
};

export const besideMessage = (counts: ConfigEntry, other: ConfigEntry): string =>
  `${counts.key} (${counts.origin}) counts, not its old name ${other.key} (${other.origin})`;

const shortList = (items: readonly string[]): string =>
  items.length <= SHOWN_KEYS
    ? items.join(', ')
    : `${items.slice(0, SHOWN_KEYS).join(', ')} and ${items.length - SHOWN_KEYS} more`;
